import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createProject, everyProgram, linesOf, runDoctor, startGateway } from './doctor-process.ts'

/** Every file below a folder, with its content and when it was written. */
async function everything(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true })
  const entries = names.map(async (name) => {
    const path = join(folder, name)
    const info = await stat(path)
    const content = info.isFile() ? await readFile(path, 'base64') : ''
    return [name, `${info.mtimeMs} ${content}`] as const
  })
  return Object.fromEntries((await Promise.all(entries)).sort())
}

describe.skipIf(process.platform === 'win32')('sallyport doctor', () => {
  it('looks at a folder where nothing runs, and changes nothing', async () => {
    const project = await createProject()
    const before = await everything(project.folder)
    const { code, err, report } = await runDoctor(project)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(linesOf(report, 'gateway')[0]).toMatch(/^ok: No gateway runs in this folder/)
    expect(report?.summary.fail).toBe(0)
    expect(await everything(project.folder)).toEqual(before)
  })

  it('looks at a gateway that runs, and leaves its files alone', async () => {
    const project = await createProject(everyProgram)
    const { ready } = await startGateway(project)
    const before = await everything(project.folder)
    const { code, report } = await runDoctor(project)
    expect(linesOf(report, 'gateway')[0]).toContain(`runs at ${ready.appUrl}`)
    expect(linesOf(report, 'ports')).toEqual([
      expect.stringMatching(/^ok: .*is the gateway's\.$/),
      expect.stringMatching(/^ok: .*is the gateway's\.$/),
    ])
    expect(linesOf(report, 'served-certificate')[0]).toMatch(/^ok: https:\/\/localhost/)
    expect(linesOf(report, 'metadata')[0]).toMatch(/^ok: /)
    expect(linesOf(report, 'trust').join()).toMatch(/warn: Node.* refuse the local certificate/)
    expect(code).toBe(0)
    expect(await everything(project.folder)).toEqual(before)
  })

  it('ends with 1 when something fails, and says what fixes it', async () => {
    const project = await createProject()
    const run = await startGateway(project)
    await run.stop()
    const key = join(project.folder, '.sallyport/certs/localhost-key.pem')
    await chmod(key, 0o644)
    const { code, out, err } = await runDoctor(project, [])
    expect(code).toBe(1)
    expect(err).toBe('Looking\n')
    expect(out).toContain('    fail  .sallyport/certs/localhost-key.pem can be read by other users')
    expect(out).toContain(`chmod 600 ${key}`)
    expect(out).toMatch(/\n {2}1 failure, .*\d+ ok\.\n/)
    expect(out).not.toContain('\x1b')
  })

  it('goes on when the configuration cannot be read', async () => {
    const project = await createProject()
    await writeFile(join(project.folder, 'config/gateway.json'), '{"mcpServers":')
    const { code, report } = await runDoctor(project)
    expect(code).toBe(1)
    expect(linesOf(report, 'configuration')[0]).toMatch(/^fail: config\/gateway\.json: /)
    expect(linesOf(report, 'runtime')[0]).toMatch(/^ok: /)
  })

  it('tells no secret, whatever is wrong with it', async () => {
    const secrets = {
      NGROK_AUTHTOKEN: 'ngrok config add-authtoken 2zzzzzzzzzzzzzzzzzzz_9999999999999999',
      CLOUDFLARE_TUNNEL_TOKEN: 'cloudflared-zzz-token-8888888888',
      SALLYPORT_SECRET: 'sealing-zzz-secret-7777777777',
      AUTH_GITHUB_CLIENT_ID: 'Iv1.github',
      AUTH_GOOGLE_CLIENT_SECRET: 'google-zzz-secret-6666666666',
      AUTH_OIDC_CLIENT_SECRET: 'oidc-zzz-secret-5555555555',
      GITHUB_TOKEN: 'ghp_zzz4444444444444444',
      APP_URL: 'https://ada:app-zzz-password@mcp.example.com/x',
      TUNNEL: 'cloudflare,ngrok',
      CLOUDFLARED_BIN: '/nowhere/cloudflared',
    }
    const project = await createProject(secrets)
    const servers = {
      notes: {
        url: 'http://localhost:9/mcp',
        headers: { Authorization: 'Bearer hdr-zzz-3333333' },
      },
      github: { command: 'true', env: { API_KEY: 'env-zzz-2222222222' } },
    }
    const file = JSON.stringify({ mcpServers: servers })
    await writeFile(join(project.folder, 'config/gateway.json'), file)
    const { code, out, err } = await runDoctor(project)
    const people = await runDoctor(project, [])
    expect(code).toBe(1)
    expect(out).toContain('NGROK_AUTHTOKEN does not have the form')
    for (const text of [out, err, people.out, people.err]) expect(text).not.toMatch(/zzz/)
  })
})
