import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const server = 'http://127.0.0.1:3000'

export default defineConfig({
  // Wherever it is called from, the client is built from this folder into its own dist.
  root: import.meta.dirname,
  plugins: [react()],
  build: { outDir: 'dist', emptyOutDir: true, target: 'baseline-widely-available' },
  server: { proxy: { '/api': server, '/.well-known': server, '/socket.io': { target: server, ws: true } } },
})
