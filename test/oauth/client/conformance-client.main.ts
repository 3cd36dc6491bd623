import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseVerdicts } from '../../conformance/conformance-suite.ts'
import {
  conformanceCli,
  parseRequirements,
  type Revision,
  revisions,
} from '../../conformance/required-scenarios.ts'

// The program for CI: the public client suites of both revisions, through the gateway's own OAuth
// client. Prints `conformance client REVISION: PASSED/TOTAL`; ends with 1 unless all passed.
const driver = fileURLToPath(new URL('conformance-client.ts', import.meta.url))
const outDir = fileURLToPath(new URL('../../../test-results/conformance/', import.meta.url))
const timeLimitMs = 5 * 60_000

async function requiredOfClients(revision: Revision): Promise<string[]> {
  const path = new URL(`../requirements/${revision}.yaml`, conformanceCli)
  const yaml = await readFile(path, 'utf8')
  // The parser reads the section called "server"; clients have one of the same form.
  return parseRequirements(yaml.replace(/^server:/m, 'other:').replace(/^client:/m, 'server:'))
}

async function run(revision: Revision): Promise<boolean> {
  const logFile = join(outDir, `client-${revision}.log`)
  const command = `${process.execPath} ${driver}`
  const args = ['client', '--command', command, '--requirements', revision]
  const child = spawn(
    process.execPath,
    [fileURLToPath(conformanceCli), ...args, '-o', join(outDir, `client-${revision}`)],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeLimitMs, killSignal: 'SIGKILL' },
  )
  const log = createWriteStream(logFile)
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  await new Promise<void>((resolve) => log.end(resolve))

  const verdicts = parseVerdicts(await readFile(logFile, 'utf8'))
  const required = await requiredOfClients(revision)
  const failed = required.filter((name) => verdicts.get(name) !== true)
  console.log(
    `conformance client ${revision}: ${required.length - failed.length}/${required.length}`,
  )
  for (const name of failed) console.log(`  failed: ${name}`)
  const unscored = [...verdicts].filter(([name, ok]) => !ok && !required.includes(name))
  if (unscored.length > 0) {
    console.log(`  not required, failed: ${unscored.map(([name]) => name).join(' ')}`)
  }
  if (exitCode !== 0) console.log(`  the suite ended with ${exitCode ?? 'the time limit'}`)
  console.log(`  log in ${logFile}`)
  return required.length > 0 && failed.length === 0 && exitCode === 0
}

await mkdir(outDir, { recursive: true })
const outcomes: boolean[] = []
for (const revision of revisions) outcomes.push(await run(revision))
process.exit(outcomes.every(Boolean) ? 0 : 1)
