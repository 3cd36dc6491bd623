import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { formatResult, isConformant, runSuite, type SuiteResult } from './conformance-suite.ts'
import { revisions } from './required-scenarios.ts'

// Runs the public conformance suites against servers that are already running:
//   node test/conformance/run-conformance.ts [--label LABEL] [--revision REVISION]… URL…
// Prints one summary per suite and ends with 1 unless every required scenario passed. The JSON
// report is <out>/LABEL.json (`--out`, default test-results/conformance).
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    label: { type: 'string', default: 'server' },
    revision: { type: 'string', multiple: true, default: [...revisions] },
    out: { type: 'string', default: join('test-results', 'conformance') },
  },
})
const asked = revisions.filter((revision) => values.revision.includes(revision))
if (positionals.length === 0 || asked.length !== values.revision.length) {
  console.error(
    `usage: run-conformance.ts [--label LABEL] [--revision ${revisions.join('|')}] URL…`,
  )
  process.exit(2)
}

const results: SuiteResult[] = []
for (const [index, url] of positionals.entries()) {
  const label = positionals.length > 1 ? `${values.label}-${index + 1}` : values.label
  for (const revision of asked) {
    const result = await runSuite({ url, label, revision, outDir: values.out })
    results.push(result)
    console.log(formatResult(result))
  }
}
const report = join(values.out, `${values.label}.json`)
await mkdir(dirname(report), { recursive: true })
await writeFile(report, `${JSON.stringify(results, null, 2)}\n`)
process.exit(results.every(isConformant) ? 0 : 1)
