import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createChecklist } from './checklist.ts'
import type { ExampleSet } from './examples/bench.ts'
import { testExamples } from './examples/example-suite.ts'
import { expected, type TokenRow } from './examples/token-rows.ts'
import { runCommand } from './run-command.ts'

// The TypeScript examples, installed from npm in a copy of their folder, against the real gateway
// over HTTPS, with a stub in place of the model. Prints one line per check and, last,
// `e2e examples-typescript: PASSED/TOTAL`, which `.ci/run` counts.
const root = fileURLToPath(new URL('../../', import.meta.url))
const verifier = join(root, 'test', 'e2e', 'examples', 'verify-tokens.ts')
const list = createChecklist('examples-typescript', {
  needs: 'npm',
  print: (line) => console.log(line),
})

function examplesIn(folder: string): ExampleSet {
  return {
    names: ['mcp-sdk', 'openai', 'anthropic', 'langchain', 'vercel-ai'],
    hosted: ['openai', 'anthropic'],
    trustVariable: 'NODE_EXTRA_CA_CERTS',
    trust: ({ caFile }) => ({ NODE_EXTRA_CA_CERTS: caFile }),
    run: (name, { args = [], environment }) =>
      runCommand(process.execPath, [`${name}.ts`, ...args], {
        cwd: folder,
        env: environment,
        timeoutMs: 60_000,
      }),
    async verify(rows: readonly TokenRow[]) {
      const helper = join(folder, 'shared', 'verify-access-token.ts')
      const input = JSON.stringify({ rows, expected })
      const { output } = await runCommand(process.execPath, [verifier, helper], { input })
      return JSON.parse(output.trim().split('\n').at(-1) ?? '[]') as boolean[]
    },
  }
}

async function testAll(scratch: string): Promise<void> {
  const folder = join(scratch, 'examples')
  const filter = (path: string) => basename(path) !== 'node_modules'
  await cp(join(root, 'examples', 'typescript'), folder, { recursive: true, filter })
  const started = performance.now()
  const installed = await runCommand('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
  list.check('are installed with npm', installed.exitCode === 0, installed.output)
  if (installed.exitCode !== 0) return
  console.log(`     ${Math.round(performance.now() - started)} ms`)
  const types = join(root, 'node_modules', '@types')
  const compiler = join(root, 'node_modules', '.bin', 'tsc')
  const checked = await runCommand(compiler, ['-p', folder, '--typeRoots', types])
  list.check('have the types of the SDKs', checked.exitCode === 0, checked.output)
  await testExamples(
    { list, examples: examplesIn(folder), scratch },
    { command: process.execPath, args: [join(root, 'src', 'welcome', 'main.ts')] },
  )
}

const scratch = await mkdtemp(join(tmpdir(), 'sallyport-examples-'))
try {
  await testAll(scratch)
} catch (error) {
  list.check('runs to its end', false, error instanceof Error ? (error.stack ?? '') : String(error))
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(list.finish() ? 0 : 1)
