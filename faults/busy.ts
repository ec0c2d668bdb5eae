import { spawn } from 'node:child_process'

/** Ends by itself with the process that started it, however that ends: its end of the pipe closes. */
const SPIN = `
process.stdin.on('end', () => process.exit()).resume()
function spin() {
  const end = performance.now() + 20
  while (performance.now() < end);
  setImmediate(spin)
}
spin()
`

/** Takes the processors' time with so many processes until it is disposed: orders of events come about that a calm machine hardly shows. */
export function keepBusy(processes: number): Disposable {
  const spinning = Array.from({ length: processes }, () =>
    spawn(process.execPath, ['-e', SPIN], { stdio: ['pipe', 'ignore', 'inherit'] }),
  )
  return { [Symbol.dispose]: () => spinning.forEach((each) => void each.kill('SIGKILL')) }
}
