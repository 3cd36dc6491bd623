import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createChecklist } from './checklist.ts'
import type { ExampleSet } from './examples/bench.ts'
import { testExamples } from './examples/example-suite.ts'
import { installPython } from './examples/python-environments.ts'
import { expected, type TokenRow } from './examples/token-rows.ts'
import { runCommand } from './run-command.ts'

// The Python examples, installed with pip in virtual environments, against the real gateway over
// HTTPS, with a stub in place of the model. Prints one line per check and, last,
// `e2e examples-python: PASSED/TOTAL`, which `.ci/run` counts. Where Python packages cannot be
// installed it says so, and nothing is counted.
const root = fileURLToPath(new URL('../../', import.meta.url))
const verifier = join(root, 'test', 'e2e', 'examples', 'verify_tokens.py')
const list = createChecklist('examples-python', {
  needs: 'Python 3.11 and pip',
  print: (line) => console.log(line),
})

/** What can share an environment: LiteLLM wants an older OpenAI SDK than the agents do. */
const groups = [
  ['openai-agents', 'anthropic', 'langchain'],
  ['dspy', 'litellm'],
] as const

function examplesIn(folder: string, pythons: readonly string[]): ExampleSet {
  const [first = '', second = ''] = pythons
  const pythonOf: Record<string, string> = {
    with_mcp_sdk: first,
    with_anthropic: first,
    with_langchain: first,
    with_openai_agents: first,
    with_dspy: second,
    with_litellm: second,
  }
  return {
    names: Object.keys(pythonOf),
    hosted: [],
    trustVariable: 'SSL_CERT_FILE',
    trust: ({ bundleFile }) => ({ SSL_CERT_FILE: bundleFile }),
    run: (name, { args = [], environment }) =>
      runCommand(pythonOf[name] ?? '', [`${name}.py`, ...args], {
        cwd: folder,
        // LiteLLM would fetch its price list from the internet.
        env: { ...environment, LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
        timeoutMs: 90_000,
      }),
    async verify(rows: readonly TokenRow[]) {
      const input = JSON.stringify({ rows, expected })
      const { output } = await runCommand(first, [verifier], { cwd: folder, input })
      return JSON.parse(output.trim().split('\n').at(-1) ?? '[]') as boolean[]
    },
  }
}

async function testAll(scratch: string): Promise<void> {
  const folder = join(scratch, 'examples')
  const filter = (path: string) => !['__pycache__', '.venv'].includes(basename(path))
  await cp(join(root, 'examples', 'python'), folder, { recursive: true, filter })
  const started = performance.now()
  const installed = await installPython(scratch, { folder, groups })
  if (!installed.ok && !installed.possible) {
    list.skip('the Python examples: packages cannot be installed here', installed.reason)
    return
  }
  list.check('are installed with pip', installed.ok, installed.ok ? '' : installed.reason)
  if (!installed.ok) return
  console.log(`     ${Math.round(performance.now() - started)} ms`)
  await testExamples(
    { list, examples: examplesIn(folder, installed.pythons), scratch },
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
