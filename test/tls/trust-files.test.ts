import { X509Certificate } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { parseCertificates } from '../../src/tls/certificate.ts'
import { formatTrustBundle, readRootCertificates } from '../../src/tls/trust-files.ts'
import { createTestAuthority, labOptions, openCertificate, run, temporaryFolder } from './lab.ts'

const fingerprints = (pem: string) => parseCertificates(pem).map((each) => each.fingerprint256)

describe('formatTrustBundle', () => {
  it('holds each certificate once, the authority last', async () => {
    const { certPem } = await createTestAuthority()
    const [first = '', second = ''] = rootCertificates
    const bundle = formatTrustBundle([first, `${first}\n`, certPem, second], certPem)
    expect(fingerprints(bundle)).toEqual(
      [first, second, certPem].map((pem) => new X509Certificate(pem).fingerprint256),
    )
  })

  it('holds an authority that the system trusts already once', () => {
    const [installed = '', other = ''] = rootCertificates
    const bundle = formatTrustBundle([installed, other], installed)
    expect(fingerprints(bundle)).toEqual(fingerprints(`${other}\n${installed}`))
  })

  it('drops an authority of ours that has been replaced', async () => {
    const replaced = await createTestAuthority()
    const { certPem } = await createTestAuthority()
    expect(fingerprints(formatTrustBundle([replaced.certPem], certPem))).toEqual(
      fingerprints(certPem),
    )
  })
})

describe('the trust files', () => {
  it('hold the roots and the authority, and no key', async () => {
    const options = labOptions(await temporaryFolder(), { readRoots: readRootCertificates })
    const local = await openCertificate(options)
    await local.bundleWritten()
    const { caCertPem = '' } = local.current()
    const ca = await readFile(local.caFile ?? '', 'utf8')
    const bundle = await readFile(local.bundleFile ?? '', 'utf8')
    expect(ca).toBe(caCertPem)
    expect(ca + bundle).not.toContain('PRIVATE KEY')
    const bundled = fingerprints(bundle)
    expect(new Set(bundled).size).toBe(bundled.length)
    expect(bundled.at(-1)).toBe(new X509Certificate(caCertPem).fingerprint256)
    const roots = rootCertificates.map((pem) => new X509Certificate(pem).fingerprint256)
    expect(bundled).toEqual(expect.arrayContaining(roots))
  })

  it('are written only when their content changes', async () => {
    const options = labOptions(await temporaryFolder())
    const first = await openCertificate(options)
    await first.bundleWritten()
    const files = [first.caFile ?? '', first.bundleFile ?? '']
    const inodes = () => Promise.all(files.map(async (file) => (await stat(file)).ino))
    const before = await inodes()
    const second = await openCertificate(options)
    await second.bundleWritten()
    expect(await inodes()).toEqual(before)

    await writeFile(files[0] ?? '', 'spoilt')
    await second.check()
    expect(await readFile(files[0] ?? '', 'utf8')).toBe(second.current().caCertPem)
  })

  it('hold what NODE_EXTRA_CA_CERTS of the gateway adds', async () => {
    const { cert } = await (await createTestAuthority()).issue(['localhost'])
    const extraFile = join(await temporaryFolder(), 'extra.pem')
    await writeFile(extraFile, cert)
    const module = new URL('../../src/tls/trust-files.ts', import.meta.url).href
    const script = `
      const { readRootCertificates } = await import(${JSON.stringify(module)})
      process.stdout.write((await readRootCertificates()).join(''))`
    const { output } = await run(process.execPath, ['--input-type=module', '-e', script], {
      NODE_EXTRA_CA_CERTS: extraFile,
    })
    expect(fingerprints(output)).toEqual(expect.arrayContaining(fingerprints(cert)))
  })

  it('are announced as failed when the roots cannot be read, until a check succeeds', async () => {
    let isBroken = true
    const readRoots = async () => (isBroken ? Promise.reject(new Error('no store')) : [])
    const local = await openCertificate(labOptions(await temporaryFolder(), { readRoots }))
    await expect(local.bundleWritten()).rejects.toThrow('no store')
    isBroken = false
    expect(await local.check()).toBe('kept')
    await local.bundleWritten()
    expect(await readFile(local.bundleFile ?? '', 'utf8')).toBe(local.current().caCertPem)
  })

  it('fail with a message when the folder cannot be written', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'home'), 'a file where a folder should be')
    await expect(openCertificate(labOptions(folder))).rejects.toMatchObject({
      code: 'CERTIFICATE_UNWRITABLE',
      message: expect.stringContaining(join('home', 'certs')),
    })
  })
})
