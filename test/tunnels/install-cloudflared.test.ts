import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { findCloudflared } from '../../src/tunnels/cloudflared-binary.ts'
import { installCloudflared } from '../../src/tunnels/install-cloudflared.ts'
import { temporaryFolder } from './temporary-folder.ts'

const program = Buffer.from('#!/bin/sh\necho "$0" > ran\n')
const checksum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** An archive as those for macOS are, with something else beside the program. */
async function archive(): Promise<Buffer> {
  const { path, remove } = await temporaryFolder()
  onTestFinished(remove)
  await writeFile(join(path, 'cloudflared'), program)
  await writeFile(join(path, 'stowaway'), 'x')
  execFileSync('tar', ['-czf', 'all.tgz', 'cloudflared', 'stowaway'], { cwd: path })
  return readFile(join(path, 'all.tgz'))
}

async function setup(answer: RequestListener, sha256: string, name = 'cloudflared-linux-amd64') {
  const folder = await temporaryFolder()
  const server = createServer(answer)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await folder.remove()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`
  const bin = join(folder.path, 'bin')
  const to = join(bin, 'cloudflared')
  const heard: number[] = []
  const install = (signal = new AbortController().signal) =>
    installCloudflared({
      to,
      signal,
      onProgress: (bytes) => heard.push(bytes),
      file: { version: '1.2.3', url, sha256 },
    })
  const find = () => findCloudflared({ bin: undefined, searchPath: '', installDir: bin })
  return { to, bin, heard, install, find }
}

describe.skipIf(process.platform === 'win32')('installCloudflared', () => {
  it('installs the file it knows, through redirects, and pins its checksum', async () => {
    const { to, bin, heard, install, find } = await setup((request, response) => {
      if (request.url === '/elsewhere') return response.end(program)
      return response.writeHead(302, { location: '/elsewhere' }).end()
    }, checksum(program))
    expect(await install()).toEqual({ path: to, sha256: checksum(program) })
    expect(heard.at(-1)).toBe(program.length)
    expect((await readdir(bin)).sort()).toEqual(['cloudflared', 'cloudflared.sha256'])
    expect(await find()).toEqual({ ok: true, path: to })
  })

  it('takes the program out of an archive it knows, and nothing else', async () => {
    const bytes = await archive()
    const { to, bin, install, find } = await setup(
      (_request, response) => response.end(bytes),
      checksum(bytes),
      'cloudflared-darwin-arm64.tgz',
    )
    expect(await install()).toEqual({ path: to, sha256: checksum(program) })
    expect((await readdir(bin)).sort()).toEqual(['cloudflared', 'cloudflared.sha256'])
    expect(await readFile(to)).toEqual(program)
    expect(await find()).toEqual({ ok: true, path: to })
  })

  it.each([
    ['another program', 'cloudflared-linux-amd64', async () => Buffer.from('#!/bin/sh\nid\n')],
    ['another archive', 'cloudflared-darwin-arm64.tgz', archive],
    ['nothing', 'cloudflared-linux-amd64', async () => Buffer.alloc(0)],
  ])('deletes what has another checksum before it is unpacked: %s', async (_what, name, sent) => {
    const bytes = await sent()
    const { bin, install } = await setup(
      (_request, response) => response.end(bytes),
      checksum(program),
      name,
    )
    await expect(install()).rejects.toMatchObject({
      code: 'TUNNEL_INSTALL_FAILED',
      message: expect.stringMatching(
        `is not cloudflared 1.2.3: its SHA-256 is ${checksum(bytes)}, not ${checksum(program)}. It was deleted`,
      ),
    })
    expect(await readdir(bin)).toEqual([])
  })

  it('leaves what was installed before when the next download is another file', async () => {
    let sent = program
    const { to, install, find } = await setup(
      (_request, response) => response.end(sent),
      checksum(program),
    )
    await install()
    sent = Buffer.from('#!/bin/sh\nid\n')
    await expect(install()).rejects.toMatchObject({ code: 'TUNNEL_INSTALL_FAILED' })
    expect(await find()).toEqual({ ok: true, path: to })
  })

  it('leaves nothing of a download that is refused, and says what to do', async () => {
    const { bin, install } = await setup((_request, response) => {
      response.writeHead(403).end('half of it')
    }, checksum(program))
    await expect(install()).rejects.toMatchObject({
      code: 'TUNNEL_INSTALL_FAILED',
      message: expect.stringContaining('it answered HTTP 403'),
      hint: expect.stringContaining('CLOUDFLARED_BIN'),
    })
    expect(await readdir(bin)).toEqual([])
  })

  it('ends a download that never comes to an end when it is aborted', async () => {
    const { bin, heard, install } = await setup((_request, response) => {
      response.write('half of it')
    }, checksum(program))
    const abort = new AbortController()
    const installing = install(abort.signal)
    installing.catch(() => {})
    await expect.poll(() => heard.length).toBe(1)
    abort.abort(new Error('enough'))
    await expect(installing).rejects.toBe(abort.signal.reason)
    expect(await readdir(bin)).toEqual([])
  })
})

describe('the release of cloudflared that is known', () => {
  const systems = [
    ['linux', ['x64', 'arm64', 'arm', 'ia32']],
    ['darwin', ['x64', 'arm64']],
    ['win32', ['x64', 'ia32']],
  ] as const

  /** What is asked for, and what it must be, on a machine; something else is answered. */
  async function askedFor(machine: { platform: string; arch: string }) {
    const { path, remove } = await temporaryFolder()
    onTestFinished(remove)
    const ask = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('else'))
    onTestFinished(() => void ask.mockRestore())
    ask.mockClear()
    const signal = new AbortController().signal
    const to = join(path, 'cloudflared')
    const installing = installCloudflared({ to, signal, onProgress: () => {}, machine })
    const { message } = await installing.then(
      () => new Error('it was installed'),
      (error: Error) => error,
    )
    return { url: String(ask.mock.calls[0]?.[0]), message }
  }

  it.each(systems)(
    'has a file of one version, with a checksum of its own, for %s',
    async (platform, archs) => {
      const found: Awaited<ReturnType<typeof askedFor>>[] = []
      for (const arch of archs) found.push(await askedFor({ platform, arch }))
      const sums = new Set(found.map(({ message }) => /not ([0-9a-f]{64})\./.exec(message)?.[1]))
      expect(sums.size).toBe(archs.length)
      for (const { url, message } of found) {
        const [, version] = /is not cloudflared ([\d.]+): /.exec(message) ?? []
        expect(url).toContain(`/cloudflare/cloudflared/releases/download/${version}/`)
      }
    },
  )

  it('has none for a system it was not made for', async () => {
    const { message } = await askedFor({ platform: 'freebsd', arch: 'x64' })
    expect(message).toContain('there is none for freebsd on x64')
  })
})
