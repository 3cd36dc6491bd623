import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type CloudflaredDeps, runCloudflaredInstall } from '../../src/cli/commands/cloudflared.ts'
import { createOutput } from '../../src/cli/output.ts'

function setup(confirm: CloudflaredDeps['confirm']) {
  const written: string[] = []
  const stdout = new PassThrough().on('data', (chunk) => written.push(String(chunk)))
  const terminal = { stdout, stderr: new PassThrough() } as unknown as NodeJS.Process
  const output = createOutput({ ...terminal, env: {}, json: false })
  let installs = 0
  const install: CloudflaredDeps['install'] = async () => {
    installs += 1
    return { path: '/bin/cloudflared', sha256: 'abc' }
  }
  return { deps: { output, confirm, install }, output, written, installs: () => installs }
}

describe('cloudflared install', () => {
  it('downloads nothing without a terminal and without --yes, and names the flag', async () => {
    const { deps, installs } = setup(undefined)
    await expect(runCloudflaredInstall({ yes: false }, deps)).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--yes'),
    })
    expect(installs()).toBe(0)
  })

  it('downloads nothing when the answer is no', async () => {
    const { deps, installs } = setup(async () => false)
    expect(await runCloudflaredInstall({ yes: false }, deps)).toBe(1)
    expect(installs()).toBe(0)
  })

  it.each([
    [true, undefined],
    [false, async () => true],
  ] as const)('shows path and checksum of what it installed', async (yes, confirm) => {
    const { deps, output, written } = setup(confirm)
    expect(await runCloudflaredInstall({ yes }, deps)).toBe(0)
    await output.flush()
    expect(written.join('')).toContain('SHA-256   abc')
  })
})
