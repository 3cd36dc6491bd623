import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authorityFiles } from '../../src/tls/authority.ts'
import { loadOwnAuthority } from '../../src/tls/own-authority.ts'
import { generateKeyPem } from '../../src/tls/private-key.ts'
import { createTestAuthority, dayMs, hasCommand, run, snapshot, temporaryFolder } from './lab.ts'

const options = { hostname: 'workbench', now: Date.now() }
const isWindows = process.platform === 'win32'

async function newRoot(): Promise<{ root: string; certFile: string; keyFile: string }> {
  const root = join(await temporaryFolder(), 'deep', 'ca')
  return { root, ...authorityFiles(root) }
}

describe('loadOwnAuthority', () => {
  it.skipIf(isWindows)('creates the key for its owner only', async () => {
    const { root, certFile, keyFile } = await newRoot()
    await loadOwnAuthority(root, options)
    expect((await stat(root)).mode & 0o777).toBe(0o700)
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    expect((await stat(certFile)).mode & 0o777).toBe(0o644)
    expect((await readdir(root)).sort()).toEqual(['rootCA-key.pem', 'rootCA.pem'])
  })

  it.skipIf(isWindows)('tightens a key others can read', async () => {
    const { root, keyFile } = await newRoot()
    await loadOwnAuthority(root, options)
    await chmod(keyFile, 0o644)
    await loadOwnAuthority(root, options)
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  })

  it('loads the same authority again', async () => {
    const { root } = await newRoot()
    const first = await loadOwnAuthority(root, options)
    const second = await loadOwnAuthority(root, options)
    expect(second.certificate.fingerprint256).toBe(first.certificate.fingerprint256)
  })

  it('lasts ten years and has a serial number of its own', async () => {
    const [one, other] = await Promise.all([
      loadOwnAuthority((await newRoot()).root, options),
      loadOwnAuthority((await newRoot()).root, options),
    ])
    const years = (one.certificate.validToDate.getTime() - options.now) / (365.25 * dayMs)
    expect(years).toBeCloseTo(10, 1)
    expect(one.certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
    expect(other.certificate.serialNumber).not.toBe(one.certificate.serialNumber)
    expect(other.certificate.subject).not.toBe(one.certificate.subject)
  })

  it('finishes what a creator that died left: a key without a certificate', async () => {
    const { root, keyFile } = await newRoot()
    await mkdir(root, { recursive: true })
    await writeFile(keyFile, generateKeyPem())
    const before = await snapshot([keyFile])
    await loadOwnAuthority(root, options)
    expect(await snapshot([keyFile])).toEqual(before)
  })

  it.skipIf(!hasCommand('openssl'))('has the profile of a constrained root (openssl)', async () => {
    const { root, certFile } = await newRoot()
    await loadOwnAuthority(root, { ...options, hostname: 'laptop.lan' })
    const { output } = await run('openssl', ['x509', '-in', certFile, '-noout', '-text'])
    const text = output.replace(/\s+/g, ' ')
    expect(text).toContain('X509v3 Basic Constraints: critical CA:TRUE, pathlen:0')
    expect(text).toContain('X509v3 Key Usage: critical Certificate Sign, CRL Sign')
    expect(text).toContain('X509v3 Subject Key Identifier:')
    expect(text).toContain(
      'X509v3 Name Constraints: critical Permitted: DNS:localhost DNS:local DNS:laptop.lan ' +
        'IP:127.0.0.0/255.0.0.0 IP:10.0.0.0/255.0.0.0 IP:172.16.0.0/255.240.0.0 ' +
        'IP:192.168.0.0/255.255.0.0 IP:100.64.0.0/255.192.0.0 IP:169.254.0.0/255.255.0.0 ' +
        'IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF ' +
        'IP:FC00:0:0:0:0:0:0:0/FE00:0:0:0:0:0:0:0 IP:FE80:0:0:0:0:0:0:0/FFC0:0:0:0:0:0:0:0',
    )
  })
})

describe('several creators at once', () => {
  it('get one authority within a process', async () => {
    const { root } = await newRoot()
    const loaded = await Promise.all(
      Array.from({ length: 8 }, () => loadOwnAuthority(root, options)),
    )
    expect(new Set(loaded.map(({ certificate }) => certificate.fingerprint256)).size).toBe(1)
    expect((await readdir(root)).sort()).toEqual(['rootCA-key.pem', 'rootCA.pem'])
  })

  it('get one authority as separate processes', async () => {
    const { root } = await newRoot()
    const module = new URL('../../src/tls/own-authority.ts', import.meta.url).href
    const script = `
      const { loadOwnAuthority } = await import(${JSON.stringify(module)})
      await import(${JSON.stringify(new URL('./issue.ts', module).href)})
      const [root, start] = process.argv.slice(1)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, start - Date.now())))
      const { certificate } = await loadOwnAuthority(root, { hostname: '', now: Date.now() })
      process.stdout.write(certificate.fingerprint256)`
    const args = ['--input-type=module', '-e', script, root, String(Date.now() + 700)]
    const runs = await Promise.all([1, 2, 3].map(() => run(process.execPath, args)))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(new Set(runs.map(({ output }) => output)).size).toBe(1)
    expect(runs[0]?.output).toMatch(/^[0-9A-F:]{95}$/)
  })
})

describe('an authority that cannot be used', () => {
  const encrypted = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  const damaged = '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n'
  const damagedCert = '-----BEGIN CERTIFICATE-----\nMIGHAgEA\n-----END CERTIFICATE-----\n'
  type Files = { certFile: string; keyFile: string }

  it.each([
    ['empty key', 'rootCA-key.pem: it holds no PEM', (f: Files) => writeFile(f.keyFile, '')],
    [
      'damaged key',
      'rootCA-key.pem: its key is damaged',
      (f: Files) => writeFile(f.keyFile, damaged),
    ],
    [
      'key with a passphrase',
      'rootCA-key.pem: its key is protected',
      (f: Files) => writeFile(f.keyFile, encrypted),
    ],
    [
      'key of another kind',
      'rootCA-key.pem: its key is neither RSA nor P-256',
      (f: Files) => writeFile(f.keyFile, p384),
    ],
    [
      'key of another authority',
      'rootCA.pem: it does not belong to the key',
      (f: Files) => writeFile(f.keyFile, generateKeyPem()),
    ],
    ['missing key', 'rootCA-key.pem: it is missing', (f: Files) => rm(f.keyFile)],
    [
      'key that cannot be read',
      'rootCA-key.pem: EISDIR',
      (f: Files) => rm(f.keyFile).then(() => mkdir(f.keyFile)),
    ],
    [
      'certificate that is none',
      'rootCA.pem: it holds no readable PEM certificate',
      (f: Files) => writeFile(f.certFile, 'nothing'),
    ],
    [
      'damaged certificate',
      'rootCA.pem: it holds no readable PEM certificate',
      (f: Files) => writeFile(f.certFile, damagedCert),
    ],
    [
      'certificate of no authority',
      'rootCA.pem: its certificate is not an authority',
      async (f: Files) => {
        const { cert, key } = await (await createTestAuthority()).issue(['localhost'])
        await writeFile(f.certFile, cert)
        await writeFile(f.keyFile, key)
      },
    ],
  ])('with a(n) %s is refused, and left as it is', async (_, message, spoil) => {
    const { root, ...files } = await newRoot()
    await loadOwnAuthority(root, options)
    await spoil(files)
    const before = await snapshot(Object.values(files))
    await expect(loadOwnAuthority(root, options)).rejects.toMatchObject({
      code: 'CA_UNUSABLE',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('Nothing was changed'),
    })
    expect(await snapshot(Object.values(files))).toEqual(before)
  })

  it.each([
    ['expired', 3700 * dayMs, 'it expired on'],
    ['not yet valid', -dayMs, 'it is not valid before'],
  ])('because it is %s is refused', async (_, offset, message) => {
    const { root } = await newRoot()
    await loadOwnAuthority(root, options)
    const later = { ...options, now: options.now + offset }
    await expect(loadOwnAuthority(root, later)).rejects.toMatchObject({
      code: 'CA_UNUSABLE',
      message: expect.stringContaining(message),
    })
  })

  it('because its folder cannot be made is refused', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'file'), '')
    await expect(loadOwnAuthority(join(folder, 'file', 'ca'), options)).rejects.toMatchObject({
      code: 'CA_UNUSABLE',
    })
  })
})

it('reads the certificate it wrote', async () => {
  const { root, certFile } = await newRoot()
  const { certificate } = await loadOwnAuthority(root, options)
  const written = (await snapshot([certFile]))[certFile] ?? ''
  expect(new X509Certificate(written).fingerprint256).toBe(certificate.fingerprint256)
})
