import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findCloudflared } from '../../src/tunnels/cloudflared-binary.ts'
import { installCloudflared } from '../../src/tunnels/install-cloudflared.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { createWorld } from './world.ts'

const signal = new AbortController().signal
/** Programs that act as the installer, relative to `src/tunnels/hosts/`. */
const installers = '../../../test/emulators/installers'

describe('installCloudflared', () => {
  async function setup(program: string) {
    const folder = await temporaryFolder()
    const world = createWorld()
    onTestFinished(async () => {
      await folder.remove()
      world.close()
    })
    const to = join(folder.path, 'bin', 'cloudflared')
    const heard: number[] = []
    const install = (options: { signal: AbortSignal } = { signal }) =>
      installCloudflared(
        {
          to,
          ...options,
          onProgress: (bytes) => heard.push(bytes),
          program: `${installers}/${program}`,
        },
        world.dependencies,
      )
    return { to, bin: join(folder.path, 'bin'), world, heard, install }
  }

  it('pins the checksum of what it has downloaded', async () => {
    const { to, bin, heard, install } = await setup('writes-a-file.ts')
    const { path, sha256 } = await install()
    expect(path).toBe(to)
    expect(heard).toEqual([10])
    expect((await readFile(`${to}.sha256`, 'utf8')).trim()).toBe(sha256)
    const found = await findCloudflared({ bin: undefined, searchPath: '', installDir: bin })
    expect(found).toEqual({ ok: true, path: to })
  })

  it('leaves nothing of a download that fails, and says what to do', async () => {
    const { bin, world, install } = await setup('fails.ts')
    await expect(install()).rejects.toMatchObject({
      code: 'TUNNEL_INSTALL_FAILED',
      message: expect.stringContaining('HTTP response with status code: 403'),
    })
    expect(await readdir(bin)).toEqual([])
    expect(world.running()).toEqual([])
  })

  it('ends a download that never comes to an end when it is aborted', async () => {
    const { bin, world, install } = await setup('never-ends.ts')
    const abort = new AbortController()
    const installing = install({ signal: abort.signal })
    installing.catch(() => {})
    await expect.poll(() => world.started.length).toBe(1)
    abort.abort(new Error('enough'))
    await expect(installing).rejects.toBe(abort.signal.reason)
    expect(await readdir(bin)).toEqual([])
    expect(world.running()).toEqual([])
  })
})
