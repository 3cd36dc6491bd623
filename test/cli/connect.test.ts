import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectDeps, runConnect } from '../../src/cli/commands/connect.ts'
import { createOutput } from '../../src/cli/output.ts'
import { openLoginLinks, readLoginLinks } from '../../src/gateway/login-links.ts'

const link = 'https://localhost:3443/api/oauth/login/notes?ticket=t'

function setup(overrides: Partial<ConnectDeps> = {}) {
  const text: string[] = []
  const stdout = new PassThrough().on('data', (chunk) => text.push(String(chunk)))
  const streams = { stdout, stderr: new PassThrough() } as unknown as NodeJS.Process
  const output = createOutput({ ...streams, env: {}, json: false })
  const deps: ConnectDeps = {
    output,
    servers: ['notes', 'files'],
    readLinks: async () => ({ notes: link }),
    openBrowser: async () => true,
    wait: async () => {},
    patienceMs: 2_000,
    ...overrides,
  }
  return { deps, output, text }
}

describe('connect', () => {
  it('opens the link and waits until the server is connected', async () => {
    let looks = 0
    const opened: string[] = []
    const { deps, output, text } = setup({
      readLinks: async () => (++looks < 3 ? { notes: link } : {}),
      openBrowser: async (url) => opened.push(url) > 0,
    })
    expect(await runConnect('notes', deps)).toBe(0)
    await output.flush()
    expect(opened).toEqual([link])
    expect(text.join('')).toContain('notes is connected')
  })

  it('prints the link where no browser can be opened, and gives up in the end', async () => {
    const { deps, output, text } = setup({ openBrowser: async () => false })
    expect(await runConnect('notes', deps)).toBe(1)
    await output.flush()
    expect(text.join('')).toContain(link)
  })

  it.each([
    ['nope', 'There is no server "nope".', /notes, files/],
    ['files', 'The server "files" does not wait for a login.', /Waiting are notes/],
  ])('refuses %s', async (server, message, hint) => {
    const { deps } = setup()
    await expect(runConnect(server, deps)).rejects.toMatchObject({
      code: 'USAGE',
      message,
      hint: expect.stringMatching(hint),
    })
  })
})

describe('the file of login links', () => {
  it('holds the links of servers that wait, for the owner alone, while the gateway runs', async () => {
    const home = await mkdtemp(join(tmpdir(), 'sallyport-links-'))
    onTestFinished(() => rm(home, { recursive: true, force: true }))
    const file = openLoginLinks(home)
    file.note({ event: 'upstream', server: 'notes', state: 'login-needed', loginUrl: link })
    await expect.poll(() => readLoginLinks(home)).toEqual({ notes: link })
    expect((await stat(join(home, 'login-links.json'))).mode & 0o777).toBe(0o600)
    file.note({ event: 'upstream', server: 'notes', state: 'up' })
    await expect.poll(() => readLoginLinks(home)).toEqual({})
    await file.close()
    await expect(stat(join(home, 'login-links.json'))).rejects.toThrow()
  })
})
