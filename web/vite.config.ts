import react from '@vitejs/plugin-react'
import { build, defineConfig, type Plugin } from 'vite'

const server = 'http://127.0.0.1:3000'
const target = 'baseline-widely-available'
const root = import.meta.dirname

export default defineConfig({
  // Wherever it is called from, the client is built from this folder into its own dist.
  root,
  plugins: [react(), serviceWorker()],
  build: { outDir: 'dist', emptyOutDir: true, target },
  server: { proxy: { '/api': server, '/.well-known': server, '/socket.io': { target: server, ws: true } } },
})

/**
 * Builds the service worker beside the page, as one classic script: not every browser takes modules there. Its name stays the same, and a
 * browser takes another content for another version.
 */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    async closeBundle() {
      await build({
        configFile: false,
        root,
        publicDir: false,
        logLevel: 'warn',
        build: {
          outDir: 'dist',
          emptyOutDir: false,
          target,
          rolldownOptions: {
            input: `${root}/src/worker/main.ts`,
            output: { format: 'iife', entryFileNames: 'worker.js' },
          },
        },
      })
    },
  }
}
