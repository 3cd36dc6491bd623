import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../../src/doctor/checks/certificate.ts'
import { fileModes } from '../../../src/doctor/checks/file-modes.ts'
import { servedCertificate } from '../../../src/doctor/checks/served-certificate.ts'
import type { RunningGateway } from '../../../src/doctor/find-gateway.ts'
import { temporaryFolder } from '../../cli/helpers.ts'
import { createTestAuthority, dayMs } from '../../tls/lab.ts'
import { say, startBehindProxy, startLab, worldOf } from '../lab.ts'

const noMkcert = {
  CAROOT: undefined,
  LOCALAPPDATA: undefined,
  XDG_DATA_HOME: undefined,
  HOME: undefined,
}
const renew = 'pnpm sallyport certs renew'

describe('the check of the certificate files', () => {
  it('is content with what the gateway made', async () => {
    const lab = await startLab()
    expect(await say(certificate, await lab.world())).toEqual([
      expect.stringMatching(
        /^ok: The local certificate covers every local name and is good for 36\d/,
      ),
    ])
  })

  it('says that there is none before the first start', async () => {
    const lab = await startLab()
    const world = await lab.world({}, { home: await temporaryFolder() })
    expect(await say(certificate, world)).toEqual([
      'ok: There is no local certificate yet; the first start makes one.',
    ])
  })

  it('judges time, names and key', async () => {
    const lab = await startLab()
    const certs = join(lab.config.home, 'certs')
    const soon = await lab.world({}, { now: () => Date.now() + 345 * dayMs })
    expect((await say(certificate, soon))[0]).toMatch(
      /^warn: The certificate in .* expires in \d+ d/,
    )
    const late = await lab.world({}, { now: () => Date.now() + 400 * dayMs })
    expect((await say(certificate, late))[0]).toMatch(/^fail: .* is not valid: it expired on/)

    const world = await lab.world()
    if (!world.configuration.ok) throw new Error('the lab has a configuration')
    const config = { ...lab.config, allowedHosts: ['shop.localhost:3443'] }
    const named = { ...world, configuration: { ...world.configuration, config } }
    expect(await say(certificate, named)).toEqual([
      `fail: The local certificate does not cover shop.localhost, so clients refuse that name. -> ${renew}`,
    ])

    const { keyPem } = await createTestAuthority()
    await writeFile(join(certs, 'localhost-key.pem'), keyPem)
    expect((await say(certificate, world))[0]).toContain('does not belong to the key beside it')
    await writeFile(join(certs, 'localhost.pem'), 'torn')
    expect((await say(certificate, world))[0]).toContain('not complete, or damaged')
  })

  it('sees an authority that was made anew', async () => {
    const lab = await startLab()
    const { certPem } = await createTestAuthority()
    await writeFile(join(lab.config.tls.caRoot ?? '', 'rootCA.pem'), certPem)
    expect((await say(certificate, await lab.world()))[0]).toMatch(
      /^warn: The certificate authority was made anew .* -> pnpm sallyport certs renew && pnpm sallyport trust$/,
    )
    await writeFile(join(lab.config.home, 'certs/ca.pem'), certPem)
    expect((await say(certificate, await lab.world()))[0]).toContain(
      'was not signed by the authority',
    )
  })

  it('judges files of your own', async () => {
    const folder = await temporaryFolder()
    const authority = await createTestAuthority(['localhost', 'mcp.test'])
    const [certPath, keyPath] = [join(folder, 'c.pem'), join(folder, 'k.pem')]
    const write = async (names: string[]) => {
      const pair = await authority.issue(names)
      await Promise.all([writeFile(certPath, pair.cert), writeFile(keyPath, pair.key)])
    }
    const lab = await startLab()
    const caPath = join(folder, 'root.pem')
    await writeFile(caPath, authority.certPem)
    const config = { ...lab.config, tls: { ...lab.config.tls, certPath, keyPath, caPath } }
    const world = await worldOf({ projectDir: folder, config })
    expect((await say(certificate, world))[0]).toMatch(/^fail: The certificate cannot be served/)
    await write(['mcp.test'])
    expect((await say(certificate, world))[0]).toMatch(
      /^warn: .* does not cover localhost, only mcp/,
    )
    await write(['localhost'])
    expect((await say(certificate, world))[0]).toMatch(
      /^ok: Your own certificate in .* is good until/,
    )
  })
})

describe('the check of the certificate that is served', () => {
  it('finds the one in the files at every local address', async () => {
    const lab = await startLab()
    const { appUrl } = lab.gateway.status()
    expect(await say(servedCertificate, await lab.world())).toEqual([
      `ok: ${appUrl} and its other names serve that certificate.`,
    ])
  })

  it('notices that the files are not those that are served', async () => {
    const lab = await startLab()
    await rm(join(lab.config.home, 'certs/localhost.pem'))
    expect((await say(servedCertificate, await lab.world()))[0]).toMatch(
      /^fail: https:\/\/localhost:\d+ serves another certificate .*signed by Sallyport local CA.* -> Press r/,
    )
  })

  it('leaves it to the programs whether they trust one of your own', async () => {
    const folder = await temporaryFolder()
    const authority = await createTestAuthority(['localhost'])
    const pair = await authority.issue(['localhost'])
    const [certPath, keyPath] = [join(folder, 'c.pem'), join(folder, 'k.pem')]
    await writeFile(certPath, pair.cert)
    await writeFile(keyPath, pair.key)
    const tls = {
      certPath,
      keyPath,
      caPath: undefined,
      caRoot: folder,
      mkcertEnvironment: noMkcert,
    }
    const lab = await startLab({ config: { tls } })
    const world = await lab.world()
    const { appUrl } = lab.gateway.status()
    const gateway = { ...(world.gateway as RunningGateway), localOrigins: [appUrl] }
    expect(await say(servedCertificate, { ...world, gateway })).toEqual([
      `ok: ${appUrl} and its other names serve that certificate.`,
    ])
  })

  it.each([
    ['another authority', ['localhost'], /serves a certificate that is not trusted \(signed by/],
    ['other names', ['app.localhost'], /is made for other names/],
  ])('names what is wrong with one of %s', async (_what, names, expected) => {
    const lab = await startLab()
    const authority = await createTestAuthority(['localhost'])
    const trusted = names[0] === 'app.localhost'
    const server = createServer(await authority.issue([...names]), (_, response) => response.end())
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    if (trusted) await writeFile(join(lab.config.home, 'certs/ca.pem'), authority.certPem)
    const world = await lab.world()
    const origin = `https://localhost:${(server.address() as AddressInfo).port}`
    const gateway = { ...(world.gateway as RunningGateway), localOrigins: [origin] }
    const [line] = await say(servedCertificate, { ...world, gateway })
    expect(line).toMatch(expected)
    expect(line).toMatch(/^fail: .* -> /)
  })

  it('judges the public one by what programs trust, without our authority', async () => {
    const lab = await startBehindProxy()
    const [, line] = await say(servedCertificate, await lab.world())
    expect(line).toMatch(
      /^ok: https:\/\/localhost:\d+ serves a certificate that programs trust, good/,
    )
    const world = await lab.world()
    const { ownerOrigin } = world.gateway as RunningGateway
    const exposed = {
      ...(world.gateway as RunningGateway),
      publicOrigin: ownerOrigin,
      localOrigins: [],
    }
    expect((await say(servedCertificate, { ...world, gateway: exposed }))[0]).toMatch(
      /^fail: .* serves a certificate that is not trusted .*UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    )
  })
})

describe.skipIf(process.platform === 'win32')('the check of files', () => {
  it('wants keys and state to be for their owner alone', async () => {
    const lab = await startLab()
    const world = await lab.world()
    expect(await say(fileModes, world)).toEqual(['ok: Keys and state can be read by you alone.'])
    const key = join(lab.config.home, 'certs/localhost-key.pem')
    const before = await readFile(key, 'utf8')
    await chmod(key, 0o644)
    expect(await say(fileModes, world)).toEqual([
      `fail: .sallyport/certs/localhost-key.pem can be read by other users of this machine (mode 644). -> chmod 600 ${key}`,
    ])
    expect(await readFile(key, 'utf8')).toBe(before)
  })
})
