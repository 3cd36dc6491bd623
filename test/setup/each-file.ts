import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll } from 'vitest'
import { wait } from '../../src/lib/clock.ts'
import { childrenOf, commandOf } from '../fixtures/processes.ts'

/** How long what is ending may take to be gone, ms. */
const patienceMs = 10_000

const before = { TMPDIR: process.env.TMPDIR, authorities: getCACertificates() }
const folder = mkdtempSync(join(tmpdir(), 'f-'))
process.env.TMPDIR = folder

// Hooks run in reverse, so this one comes after those of the file itself.
afterAll(async () => {
  const deadline = Date.now() + patienceMs
  while (leftovers().length > 0 && Date.now() < deadline) await wait(25)
  const left = leftovers()
  rmSync(folder, { recursive: true, force: true })
  process.env.TMPDIR = before.TMPDIR
  // Trust in an edge is the whole process's.
  if (getCACertificates().length !== before.authorities.length) {
    setDefaultCACertificates(before.authorities)
  }
  if (left.length > 0) throw new Error(`This file left behind:\n  ${left.join('\n  ')}`)
}, patienceMs * 2)

function leftovers(): string[] {
  return [
    ...childrenOf(process.pid).map((pid) => `process ${pid}: ${commandOf(pid)}`),
    ...readdirSync(folder).map((name) => `in the temporary folder: ${name}`),
  ]
}
