import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authorityFiles } from '../../src/tls/authority.ts'
import { type DerElement, decodeDer } from '../../src/tls/der.ts'
import { issueLeaf } from '../../src/tls/issue.ts'
import { loadOwnAuthority } from '../../src/tls/own-authority.ts'
import { generateKeyPem } from '../../src/tls/private-key.ts'
import { readRootCertificates } from '../../src/tls/trust-files.ts'
import {
  createTestAuthority,
  handshake,
  hasCommand,
  labOptions,
  openCertificate,
  run,
  serve,
  temporaryFolder,
} from './lab.ts'

// Real clients, each told to trust the files the way its users would tell it.

async function serveLocal(names: string[] = []) {
  const folder = await temporaryFolder()
  const local = await openCertificate(
    labOptions(folder, { names: () => names, readRoots: readRootCertificates }),
  )
  await local.bundleWritten()
  const { port } = await serve(local.current())
  const { caFile = '', bundleFile = '' } = local
  return { folder, local, port, caFile, bundleFile }
}

/** A leaf our authority signs although its constraints forbid the name. */
async function issueOutside(name: string) {
  const root = join(await temporaryFolder(), 'ca')
  const now = Date.now()
  const authority = await loadOwnAuthority(root, { hostname: 'workbench', now })
  const key = generateKeyPem()
  const names = ['localhost', name]
  const cert = await issueLeaf(createPrivateKey(key), { authority, names, now })
  const certFile = join(root, 'outside.pem')
  await writeFile(certFile, cert)
  const { certFile: caFile } = authorityFiles(root)
  return { cert, key, certFile, caFile, ca: authority.certificate.toString() }
}

/** The encoded issuer and subject: some clients compare these byte by byte. */
function encodedNames(pem: string): { issuer: string; subject: string } {
  const fields = inside(inside(decodeDer(new X509Certificate(pem).raw)[0])[0])
  const [, , , issuer, , subject] = fields.map(({ content }) =>
    Buffer.from(content).toString('hex'),
  )
  return { issuer: issuer ?? 'none', subject: subject ?? 'none' }
}

function inside(element: DerElement | undefined): DerElement[] {
  return decodeDer(element?.content ?? new Uint8Array())
}

describe('Node', () => {
  const script = `
    const { get } = await import('node:https')
    get({ host: process.argv[1], port: process.argv[2], servername: process.argv[3], family: 4 },
      (response) => response.pipe(process.stdout)).once('error', (error) => console.log(error.code))`
  const fetchAs = (args: string[], env: Record<string, string>) =>
    run(process.execPath, ['--input-type=module', '-e', script, ...args], env)

  it('trusts the authority through NODE_EXTRA_CA_CERTS, and only then', async () => {
    const { port, caFile } = await serveLocal(['app.localhost'])
    const args = ['127.0.0.1', String(port)]
    const [told, untold, named, unnamed] = await Promise.all([
      fetchAs(args, { NODE_EXTRA_CA_CERTS: caFile }),
      fetchAs(args, {}),
      fetchAs([...args, 'app.localhost'], { NODE_EXTRA_CA_CERTS: caFile }),
      fetchAs([...args, 'other.localhost'], { NODE_EXTRA_CA_CERTS: caFile }),
    ])
    expect(told.output).toBe('ok')
    expect(untold.output).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(named.output).toBe('ok')
    expect(unnamed.output).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
  })
})

describe.skipIf(!hasCommand('curl'))('curl (skipped where it is not installed)', () => {
  const curl = (...args: string[]) => run('curl', ['-sS', '--max-time', '5', ...args])

  it('trusts the authority through --cacert, by name and by address', async () => {
    const { port, caFile, bundleFile } = await serveLocal()
    for (const host of ['localhost', '127.0.0.1']) {
      const url = `https://${host}:${port}/`
      expect(await curl('-4', '--cacert', caFile, url)).toEqual({ code: 0, output: 'ok' })
    }
    const url = `https://localhost:${port}/`
    expect(await curl('-4', '--cacert', bundleFile, url)).toEqual({ code: 0, output: 'ok' })
    expect((await curl('-4', url)).code).toBe(60)
  })
})

describe.skipIf(!hasCommand('python3'))('Python (skipped where it is not installed)', () => {
  // Strict is the default from Python 3.13 on.
  const script = [
    'import ssl, sys, urllib.request',
    'context = ssl.create_default_context()',
    'context.verify_flags |= ssl.VERIFY_X509_STRICT',
    'print(urllib.request.urlopen(sys.argv[1], context=context).read().decode())',
  ].join('\n')

  it('trusts the authority through SSL_CERT_FILE, in strict mode, and only then', async () => {
    const { port, bundleFile } = await serveLocal()
    const args = ['-c', script, `https://127.0.0.1:${port}/`]
    const [told, untold] = await Promise.all([
      run('python3', args, { SSL_CERT_FILE: bundleFile }),
      run('python3', args),
    ])
    expect(told).toEqual({ code: 0, output: 'ok\n' })
    expect(untold.output).toContain('CERTIFICATE_VERIFY_FAILED')
  })
})

describe.skipIf(!hasCommand('openssl'))('openssl (skipped where it is not installed)', () => {
  const verify = (caFile: string, certFile: string) =>
    run('openssl', [
      ...['verify', '-x509_strict', '-purpose', 'sslserver', '-no-CApath'],
      ...['-CAfile', caFile, certFile],
    ])

  it('verifies the chain strictly', async () => {
    const { local, caFile } = await serveLocal(['app.localhost'])
    const { certFile } = local.current()
    for (const file of [certFile, join(dirname(certFile), 'addresses.pem')]) {
      const { output } = await verify(caFile, file)
      expect(output).toBe(`${file}: OK\n`)
    }
  })

  it('finds the profile of a server certificate', async () => {
    const { local } = await serveLocal()
    const file = join(dirname(local.current().certFile), 'addresses.pem')
    const args = ['x509', '-in', file, '-noout', '-text']
    const text = (await run('openssl', args)).output.replace(/\s+/g, ' ')
    for (const part of [
      'X509v3 Basic Constraints: critical CA:FALSE',
      'X509v3 Key Usage: critical Digital Signature X509v3',
      'X509v3 Extended Key Usage: TLS Web Server Authentication X509v3',
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
      'X509v3 Subject Key Identifier:',
      'X509v3 Authority Key Identifier:',
      'NIST CURVE: P-256',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('makes an authority whose name keeps its encoding in the leaf', async () => {
    const folder = await temporaryFolder()
    const mkcertRoot = join(folder, 'mkcert')
    await mkdir(mkcertRoot)
    const { certFile, keyFile } = authorityFiles(mkcertRoot)
    const made = await run('openssl', [
      ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-subj', '/O=Plain/CN=name', '-keyout', keyFile, '-out', certFile],
    ])
    expect(made.code).toBe(0)
    const tls = { certPath: undefined, keyPath: undefined, caPath: undefined, caRoot: undefined }
    const local = await openCertificate(labOptions(folder, { tls, mkcertRoot }))
    const { cert, caCertPem = '', source } = local.current()
    expect(source).toBe('mkcert')
    expect(encodedNames(cert).issuer).toBe(encodedNames(caCertPem).subject)
  })

  it.each(['evil.com', '8.8.8.8'])('rejects a leaf for %s of our authority', async (name) => {
    const { caFile, certFile } = await issueOutside(name)
    const { code, output } = await verify(caFile, certFile)
    expect(code).not.toBe(0)
    expect(output).toContain('permitted subtree violation')
  })
})

it.each(['evil.com', '8.8.8.8'])('Node rejects a leaf for %s of our authority', async (name) => {
  const { cert, key, ca } = await issueOutside(name)
  const { port } = await serve({ cert, key })
  expect(await handshake(port, { ca })).toContain('permitted subtree violation')
})

it('Node accepts the same leaf of an authority that permits the name', async () => {
  const authority = await createTestAuthority(['localhost', 'evil.com'])
  const pair = await authority.issue(['localhost', 'evil.com'])
  const { port } = await serve(pair)
  expect(await handshake(port, { ca: authority.certPem, servername: 'evil.com' })).toMatch(/^\w\w:/)
})

describe.skipIf(!hasCommand('mkcert'))('mkcert (skipped where it is not installed)', () => {
  it.each([
    ['RSA', []],
    ['P-256', ['-ecdsa']],
  ])('lends its authority with an %s key, from where our rules find it', async (_, flags) => {
    const folder = await temporaryFolder()
    const mkcertRoot = join(folder, 'data', 'mkcert')
    const files = ['-cert-file', join(folder, 'c.pem'), '-key-file', join(folder, 'k.pem')]
    const env = { XDG_DATA_HOME: join(folder, 'data') }
    const made = await run('mkcert', [...flags, ...files, 'localhost'], env)
    expect(made.code).toBe(0)

    const tls = { certPath: undefined, keyPath: undefined, caPath: undefined, caRoot: undefined }
    const names = () => ['shop.example']
    const local = await openCertificate(labOptions(folder, { tls, mkcertRoot, names }))
    const { source, caCertPem = '', warnings } = local.current()
    expect(source).toBe('mkcert')
    expect(warnings).toEqual([])
    expect(caCertPem).toBe(await readFile(join(mkcertRoot, 'rootCA.pem'), 'utf8'))
    const { port } = await serve(local.current())
    expect(await handshake(port, { ca: caCertPem, servername: 'shop.example' })).toBe(
      local.current().fingerprint256,
    )
    const args = ['verify', '-x509_strict', '-CAfile', local.caFile ?? '']
    const verified = await run('openssl', [...args, local.current().certFile])
    expect(verified.output).toContain(': OK')
  })

  it('reads our authority, because the files have its names', async () => {
    const folder = await temporaryFolder()
    await loadOwnAuthority(join(folder, 'ca'), { hostname: '', now: Date.now() })
    const files = ['-cert-file', join(folder, 'c.pem'), '-key-file', join(folder, 'k.pem')]
    const made = await run('mkcert', [...files, 'localhost'], { CAROOT: join(folder, 'ca') })
    expect(made).toMatchObject({ code: 0, output: expect.not.stringContaining('new local CA') })
  })
})
