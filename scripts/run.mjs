// node scripts/run.mjs [--web] FILE.ts [arguments…]
//
// Runs one of the project's programs with nothing installed but Node 20 and npm: installs the packages when they are missing or other than
// the lockfile says, builds the web client when asked to and it is older than its sources, then runs the file under Node 24, which comes with the packages.
// Plain JavaScript, since Node 20 must be able to run it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const NODE_MAJOR = 24
const words = process.argv.slice(2)
const withWeb = words[0] === '--web'
const [file, ...rest] = withWeb ? words.slice(1) : words

installPackages()
const node = findNode()
if (withWeb) buildWeb()
runProgram()

function installPackages() {
  if (isInstalled()) return
  console.log('Installing packages (npm ci) …')
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) fail(`npm ci failed${error ? `: ${error.message}` : ''}`)
}

/** Whether npm's own record of what it installed, written last, has all that the lockfile wants. */
function isInstalled() {
  const record = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const { packages: installed } = JSON.parse(readFileSync(record, 'utf8'))
  const { packages: wanted } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  return Object.entries(wanted)
    .filter(([path, { optional }]) => path.startsWith('node_modules/') && !optional)
    .every(([path, { version, link }]) => installed[path] && (link || installed[path].version === version))
}

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath
  const bundled = join(ROOT, 'node_modules', '.bin', 'node')
  if (existsSync(bundled) && spawnSync(bundled, ['--version']).status === 0) return bundled
  return fail(
    `Parley needs Node ${NODE_MAJOR}, and this is Node ${process.versions.node}. On Linux with glibc, on x64 and arm64, it comes with the packages; ` +
      `on ${process.platform} ${process.arch} install Node ${NODE_MAJOR} and run the command again.`,
  )
}

function buildWeb() {
  const built = modified(join(ROOT, 'web', 'dist', 'index.html'))
  const sources = ['web', 'sdk', 'protocol', 'package-lock.json'].map((name) => newest(join(ROOT, name)))
  if (built > Math.max(...sources)) return
  console.log('Building the web client …')
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js')
  const { status } = spawnSync(node, [vite, 'build', '--logLevel', 'warn'], {
    cwd: join(ROOT, 'web'),
    stdio: 'inherit',
  })
  if (status !== 0) fail('The web client could not be built')
}

/** When the file, or the newest file below the folder, was last changed; 0 if there is none. */
function newest(path) {
  const time = modified(path)
  if (time === 0 || !statSync(path).isDirectory()) return time
  const names = readdirSync(path).filter(
    (name) => name !== 'dist' && name !== 'node_modules' && !name.includes('.test.'),
  )
  // The folder's own time tells of what was removed, but it also changes when `dist` is made.
  return Math.max(0, ...names.map((name) => newest(join(path, name))))
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function runProgram() {
  if (!file) fail('Usage: node scripts/run.mjs [--web] FILE.ts [arguments]')
  const path = join(ROOT, file)
  if (!existsSync(path)) fail(`There is no ${file}`)
  process.chdir(ROOT)
  // Always a process of its own: a program that asks whether it is the main one is, whichever Node began.
  const child = spawn(node, [path, ...rest], { stdio: 'inherit' })
  // Ctrl-C reaches the program by itself, since it is in the terminal's group; what is sent to us alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  whenNpmIsGone(() => child.kill('SIGTERM'))
  child.on('error', (error) => fail(`${node} cannot be run: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

/** npm that is told to stop ends without telling what it runs: the program would stay, with its port. */
function whenNpmIsGone(stop) {
  if (!process.env.npm_lifecycle_event) return
  const parents = starters()
  const watch = setInterval(() => {
    if (starters() === parents) return
    clearInterval(watch)
    stop()
  }, 300)
}

/** The process ids of whoever started us: npm, or the shell that npm started and, before it, npm. */
function starters() {
  const parent = process.ppid
  try {
    const isShell = readFileSync(`/proc/${parent}/cmdline`, 'utf8').split('\0')[1] === '-c'
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8')
    return isShell ? `${parent} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}` : String(parent)
  } catch {
    return String(parent) // no /proc, or the parent has just gone
  }
}

/** @returns {never} */
function fail(message) {
  console.error(message)
  process.exit(1)
}
