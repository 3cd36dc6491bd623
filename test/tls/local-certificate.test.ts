import { X509Certificate } from 'node:crypto'
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:https'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LocalCertificate } from '../../src/tls/local-certificate.ts'
import { describeLocalFiles, readLocalFiles } from '../../src/tls/local-files.ts'
import type { ServedCertificate } from '../../src/tls/served-certificate.ts'
import {
  createTestAuthority,
  dayMs,
  handshake,
  hourMs,
  interfacesOf,
  labOptions,
  manualClock,
  openCertificate,
  serve,
  temporaryFolder,
} from './lab.ts'

const isWindows = process.platform === 'win32'

function nextRenewal(local: LocalCertificate): Promise<ServedCertificate> {
  return new Promise((resolve) => {
    const stop = local.onRenewed((certificate) => {
      stop()
      resolve(certificate)
    })
  })
}

describe('createLocalCertificate', () => {
  it('covers localhost, loopback, the names in use and the LAN for less than 397 days', async () => {
    const options = labOptions(await temporaryFolder(), {
      names: () => ['app.localhost'],
      interfaces: () => interfacesOf('192.168.7.7', '203.0.113.7'),
    })
    const local = await openCertificate(options)
    const { cert, names, notAfter, source, warnings } = local.current()
    expect(source).toBe('own-ca')
    expect(warnings).toEqual([])
    expect(names).toEqual(['localhost', '127.0.0.1', '::1', 'app.localhost', '192.168.7.7'])
    const days = (notAfter.getTime() - new X509Certificate(cert).validFromDate.getTime()) / dayMs
    expect(days).toBeGreaterThan(300)
    expect(days).toBeLessThanOrEqual(397)
  })

  it('keeps the leaf and the key over a restart', async () => {
    const options = labOptions(await temporaryFolder())
    const first = (await openCertificate(options)).current()
    expect((await openCertificate(options)).current()).toEqual(first)
  })

  it('uses one authority for two projects', async () => {
    const folder = await temporaryFolder()
    const one = await openCertificate(labOptions(folder))
    const two = await openCertificate(labOptions(folder, { home: join(folder, 'other') }))
    expect(two.current().caCertPem).toBe(one.current().caCertPem)
    expect(two.current().cert).not.toBe(one.current().cert)
  })

  it.skipIf(isWindows)('keeps the key of the leaf to its owner', async () => {
    const options = labOptions(await temporaryFolder())
    const { keyFile } = (await openCertificate(options)).current()
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    await chmod(keyFile, 0o644)
    await openCertificate(options)
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  })

  it('leaves out a name its authority may not sign for, and warns', async () => {
    const options = labOptions(await temporaryFolder(), { names: () => ['evil.com'] })
    const { names, warnings } = (await openCertificate(options)).current()
    expect(names).not.toContain('evil.com')
    expect(warnings).toMatchObject([
      { code: 'CERTIFICATE_INVALID', message: expect.stringContaining('"evil.com"') },
    ])
  })

  type Files = { certFile: string; keyFile: string }
  it.each([
    ['certificate is damaged', ({ certFile }: Files) => writeFile(certFile, 'nothing')],
    ['certificate is gone', ({ certFile }: Files) => rm(certFile)],
    ['key is damaged', ({ keyFile }: Files) => writeFile(keyFile, 'nothing')],
    ['key is gone', ({ keyFile }: Files) => rm(keyFile)],
    [
      'key belongs to another certificate',
      async ({ keyFile }: Files) =>
        writeFile(keyFile, (await (await createTestAuthority()).issue(['localhost'])).key),
    ],
    [
      'pair is signed by another authority',
      async ({ certFile, keyFile }: Files) => {
        const pair = await (await createTestAuthority()).issue(['localhost', '127.0.0.1', '::1'])
        await writeFile(certFile, pair.cert)
        await writeFile(keyFile, pair.key)
      },
    ],
  ])('issues a new leaf when its %s', async (_, spoil) => {
    const options = labOptions(await temporaryFolder())
    const before = (await openCertificate(options)).current()
    await spoil(before)
    const after = (await openCertificate(options)).current()
    expect(after.fingerprint256).not.toBe(before.fingerprint256)
    expect(after.caCertPem).toBe(before.caCertPem)
    expect(await handshake((await serve(after)).port, { ca: after.caCertPem })).toBe(
      after.fingerprint256,
    )
  })
})

describe('the checks while it runs', () => {
  it('keep a certificate that is good', async () => {
    const clock = manualClock()
    const local = await openCertificate(labOptions(await temporaryFolder(), { clock }))
    const before = local.current()
    clock.advance(330 * dayMs)
    expect(await local.check()).toBe('kept')
    expect(local.current().cert).toBe(before.cert)
  })

  it('renew within 30 days of the end, by the hourly timer', async () => {
    const clock = manualClock()
    const local = await openCertificate(labOptions(await temporaryFolder(), { clock }))
    const before = local.current()
    const renewed = nextRenewal(local)
    clock.advance(336 * dayMs)
    const after = await renewed
    expect(after.notAfter.getTime() - before.notAfter.getTime()).toBeCloseTo(336 * dayMs, -4)
    expect(local.current()).toBe(after)
    expect(after.key).not.toBe(before.key)
  })

  it('renew when the clock was ahead at the time of issue', async () => {
    const folder = await temporaryFolder()
    const now = Date.now()
    // The authority is older, as it is where only a clone is new.
    await openCertificate(labOptions(folder, { home: join(folder, 'other') }))
    const ahead = labOptions(folder, { clock: manualClock(now + 10 * dayMs) })
    const before = (await openCertificate(ahead)).current()
    const after = (await openCertificate(labOptions(folder))).current()
    expect(after.notAfter.getTime()).toBeLessThan(before.notAfter.getTime())
  })

  it('renew for a new LAN address or name, and not when one goes away', async () => {
    let address = '10.0.0.1'
    let names = ['app.localhost']
    const options = labOptions(await temporaryFolder(), {
      names: () => names,
      interfaces: () => interfacesOf(address),
    })
    const local = await openCertificate(options)
    names = []
    expect(await local.check()).toBe('kept')
    address = '10.0.0.2'
    expect(await local.check()).toBe('renewed')
    expect(local.current().names).toContain('10.0.0.2')
    names = ['api.localhost']
    expect(await local.check()).toBe('renewed')
    expect(local.current().names).toContain('api.localhost')
    expect(await local.check()).toBe('kept')
  })

  it('renew when the authority was replaced, and rewrite the trust files', async () => {
    const folder = await temporaryFolder()
    const local = await openCertificate(labOptions(folder))
    const before = local.current()
    await local.bundleWritten()
    await rm(join(folder, 'ca'), { recursive: true })
    expect(await local.check()).toBe('renewed')
    await local.bundleWritten()
    const { caCertPem = '' } = local.current()
    expect(caCertPem).not.toBe(before.caCertPem)
    expect(await readFile(local.caFile ?? '', 'utf8')).toBe(caCertPem)
    const bundle = await readFile(local.bundleFile ?? '', 'utf8')
    expect(bundle).toContain(caCertPem)
    expect(bundle).not.toContain(before.caCertPem)
  })

  it('go on serving what was served when they fail', async () => {
    const folder = await temporaryFolder()
    const local = await openCertificate(labOptions(folder))
    const before = local.current()
    const keyFile = join(folder, 'ca', 'rootCA-key.pem')
    const key = await readFile(keyFile)
    await writeFile(keyFile, 'nothing')
    await expect(local.check()).rejects.toMatchObject({ code: 'CA_UNUSABLE' })
    expect(local.current()).toBe(before)
    await writeFile(keyFile, key)
    expect(await local.check()).toBe('kept')
  })

  it('end with close, which leaves no timer', async () => {
    const clock = manualClock()
    const local = await openCertificate(labOptions(await temporaryFolder(), { clock }))
    expect(clock.timers()).toBe(1)
    await local.close()
    await local.close()
    expect(clock.timers()).toBe(0)
  })
})

it('renews when asked although the leaf is good, one request after the other', async () => {
  const local = await openCertificate(labOptions(await temporaryFolder()))
  const seen = new Set([local.current().fingerprint256])
  local.onRenewed(({ fingerprint256 }) => seen.add(fingerprint256))
  const order: string[] = []
  await Promise.all([
    local.renew().then(() => order.push('first renewal')),
    local.renew().then(() => order.push('second renewal')),
    local.check().then((result) => order.push(result)),
  ])
  expect(order).toEqual(['first renewal', 'second renewal', 'kept'])
  expect(seen.size).toBe(3)
  expect(await readFile(local.current().certFile, 'utf8')).toBe(local.current().cert)
})

it('takes over what another process renews, and issues nothing in its place', async () => {
  const options = labOptions(await temporaryFolder())
  const running = await openCertificate(options)
  const before = running.current()
  const renewed = nextRenewal(running)
  const other = await openCertificate(options)
  await other.renew()
  const { cert, forAddresses } = other.current()
  expect(await renewed).toMatchObject({ cert, forAddresses })
  expect(cert).not.toBe(before.cert)
  expect(await running.check()).toBe('kept')
  expect(await readFile(before.certFile, 'utf8')).toBe(cert)
})

it('swaps the certificate of a server that runs, without breaking its connections', async () => {
  const clock = manualClock()
  let names: string[] = []
  const options = { clock, names: () => names }
  const local = await openCertificate(labOptions(await temporaryFolder(), options))
  const before = local.current()
  const { server, port, contexts } = await serve(before)
  local.onRenewed((next) => contexts.swap(server, next))
  const ca = before.caCertPem ?? ''
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
  const request = () =>
    new Promise<unknown>((resolve, reject) => {
      get({ host: 'localhost', port, agent, family: 4 }, (response) => {
        response.resume().once('end', () => resolve(response.socket))
      }).once('error', reject)
    })
  const socket = await request()
  expect(await handshake(port, { ca })).toBe(before.fingerprint256)

  const renewed = nextRenewal(local)
  names = ['api.localhost']
  clock.advance(hourMs)
  const after = await renewed

  expect(after.fingerprint256).not.toBe(before.fingerprint256)
  expect(await handshake(port, { ca })).toBe(after.fingerprint256)
  expect(await request()).toBe(socket)
  agent.destroy()
})

it('serves no address to clients that name a host, since some refuse constrained addresses', async () => {
  const local = await openCertificate(labOptions(await temporaryFolder()))
  const { cert, forAddresses } = local.current()
  expect(new X509Certificate(cert).subjectAltName).toBe('DNS:localhost')
  expect(new X509Certificate(forAddresses?.cert ?? '').subjectAltName).toContain(
    'IP Address:127.0.0.1',
  )
})

describe("with the user's own files", () => {
  async function openUserFiles() {
    const folder = await temporaryFolder()
    const authority = await createTestAuthority()
    const certPath = join(folder, 'mine.pem')
    const keyPath = join(folder, 'mine-key.pem')
    const put = async (pair: { cert: string; key: string }) => {
      await writeFile(keyPath, pair.key)
      await writeFile(certPath, pair.cert)
    }
    await put(await authority.issue(['localhost']))
    const tls = { certPath, keyPath, caPath: undefined, caRoot: join(folder, 'ca') }
    const local = await openCertificate(labOptions(folder, { tls }))
    return { folder, authority, put, local, certPath }
  }

  it('serves them and writes no authority, no leaf and no trust files', async () => {
    const { folder, local } = await openUserFiles()
    expect(local.current().source).toBe('files')
    expect([local.caFile, local.bundleFile]).toEqual([undefined, undefined])
    await expect(stat(join(folder, 'ca'))).rejects.toThrow('ENOENT')
    await expect(stat(join(folder, 'home'))).rejects.toThrow('ENOENT')
  })

  it('follows them when they are replaced', async () => {
    const { authority, put, local } = await openUserFiles()
    const renewed = nextRenewal(local)
    const pair = await authority.issue(['localhost', 'app.localhost'])
    await put(pair)
    expect(await renewed).toMatchObject({ ...pair, names: ['localhost', 'app.localhost'] })
  })

  it('goes on serving the old pair while the new one is not good', async () => {
    const { put, local, certPath } = await openUserFiles()
    const before = local.current()
    await writeFile(certPath, 'half a certif')
    await expect(local.check()).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
    expect(local.current()).toBe(before)
    await put(before)
    expect(await local.check()).toBe('kept')
  })
})

it('describes what is served, each certificate with its own file', async () => {
  const clock = manualClock()
  const options = labOptions(await temporaryFolder(), { clock })
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const now = clock.now() + 2 * dayMs
  const look = async () =>
    describeLocalFiles(await readLocalFiles({ ...options, own: undefined, readText, now }), {
      source: 'own-ca',
      now,
    })
  expect(await look()).toBeUndefined()
  await expect(stat(options.home)).rejects.toThrow('ENOENT')

  const local = await openCertificate(options)
  await local.bundleWritten()
  const { certFile, keyFile, fingerprint256, forAddresses } = local.current()
  const description = await look()
  expect(description).toMatchObject({
    source: 'own-ca',
    certificates: [
      {
        subject: 'O=Sallyport, CN=localhost',
        issuer: description?.authority?.subject,
        names: ['localhost'],
        daysLeft: 362,
        isValid: true,
        fingerprint256,
        file: certFile,
        keyFile,
      },
      { names: ['localhost', '127.0.0.1', '::1'], file: forAddresses?.certFile },
    ],
    authority: { issuer: description?.authority?.subject, names: [], file: local.caFile },
    bundleFile: local.bundleFile,
  })
  const files = [...(description?.certificates ?? []), description?.authority]
  for (const { file, fingerprint256 } of files.filter((one) => one !== undefined)) {
    const inFile = new X509Certificate(await readFile(file))
    expect(inFile.fingerprint256).toBe(fingerprint256)
  }
})
