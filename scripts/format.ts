// `npm run format`: formats the project and mends what the linter can mend safely.
import { join } from 'node:path'
import { ROOT } from './files.ts'
import { runProgram } from './steps.ts'

const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
const good = await runProgram('format', [biome, 'check', '--write', '.'], 120_000)
process.exitCode = good ? 0 : 1
