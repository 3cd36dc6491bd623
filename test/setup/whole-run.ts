import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { wait } from '../../src/lib/clock.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { childrenOf, commandOf } from '../fixtures/processes.ts'

/** How long what is ending may take to be gone, ms. */
const patienceMs = 20_000

let folder = ''

/**
 * Gives the run a folder for everything temporary, whose name is also the mark of its processes:
 * it stands in PATH, the one variable that every program here is given.
 */
export async function setup(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-tests-'))
  Object.assign(process.env, compileCache, {
    TMPDIR: folder,
    PATH: `${process.env.PATH}${delimiter}${markOf(folder)}`,
  })
}

/** Fails the run that leaves a process behind. `each-file.ts` names what a file leaves itself. */
export async function teardown(): Promise<void> {
  const mark = markOf(folder)
  const deadline = Date.now() + patienceMs
  while (marked(mark).length > 0 && Date.now() < deadline) await wait(50)
  const left = marked(mark)
  for (const { pid } of left) process.kill(pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
  if (left.length === 0) return
  const lines = left.map(({ pid, command }) => `  ${pid} ${command}`)
  throw new Error(`The tests left these processes behind:\n${lines.join('\n')}`)
}

// A folder that is not there: nothing is found in it.
const markOf = (folder: string) => join(folder, 'bin')

/** Processes that carry the mark. Where there is no /proc, none is found. */
function marked(mark: string): { pid: number; command: string }[] {
  if (!existsSync('/proc/self/environ')) return []
  // The test runner's own: they end with it.
  const ours = [process.pid, ...childrenOf(process.pid)]
  return (
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && !ours.includes(pid))
      .filter((pid) => environmentOf(pid).includes(mark))
      .map((pid) => ({ pid, command: commandOf(pid) }))
      // The dead, who wait to be collected, have none.
      .filter(({ command }) => command !== '')
  )
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    // It has ended since it was listed, or is somebody else's.
    return ''
  }
}
