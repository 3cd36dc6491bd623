import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CertificateFiles, readCertificateFiles } from '../../src/tls/certificate-files.ts'
import { hasCommand, run } from './lab.ts'
import { ecKey, type Issued, issue, issueChain, rsaKey } from './upstream/lab.ts'

// What SSL_CERT_PATH and SSL_KEY_PATH may point to, and what is said of what they may not.

const now = Date.now()
const names = ['localhost', '127.0.0.1']

interface Files {
  cert: string | Uint8Array | undefined
  key: string | Uint8Array | undefined
  ca?: string
  mkcert?: string
  roots?: string[]
}

let folder: string
let root: Issued
let intermediate: Issued
let leaf: Issued
let stranger: Issued

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-own-'))
  ;({ root, intermediate, leaf } = await issueChain(names))
  stranger = await issue({ name: 'Lab Root' })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function put({ cert, key, ca, mkcert, roots = [] }: Files): Promise<CertificateFiles> {
  const place = join(folder, `${count++}`)
  const write = async (name: string, content: string | Uint8Array | undefined) => {
    if (content !== undefined) await writeFile(`${place}${name}`, content)
    return `${place}${name}`
  }
  const mkcertRoot = mkcert === undefined ? undefined : await mkdtemp(`${place}mkcert`)
  if (mkcert !== undefined) await writeFile(join(mkcertRoot ?? '', 'rootCA.pem'), mkcert)
  return {
    certPath: await write('mine.pem', cert),
    keyPath: await write('mine-key.pem', key),
    caPath: ca === undefined ? undefined : await write('root.pem', ca),
    mkcertRoot,
    readRoots: async () => roots,
    now,
  }
}

const own = (extra: Parameters<typeof issue>[0] | object = {}) =>
  issue({ name: 'server', issuer: root, ca: false, names, ...extra })

const crlf = (text: string) => text.replaceAll('\n', '\r\n')
const pem = (key: ReturnType<typeof ecKey>, type: 'pkcs1' | 'sec1' | 'pkcs8') =>
  key.export({ type: type as 'pkcs8', format: 'pem' }).toString()

describe('a certificate of your own is served', () => {
  const starts: [string, () => Files | Promise<Files>][] = [
    ['a leaf, its root with mkcert', async () => pairOf(await own(), { mkcert: root.pem })],
    ['a leaf, its root in SSL_CA_PATH', async () => pairOf(await own(), { ca: root.pem })],
    [
      'a leaf, its root among those of the system',
      async () => pairOf(await own(), { roots: [stranger.pem, 'damaged', root.pem] }),
    ],
    [
      'a leaf with its intermediate, its root with mkcert',
      () => ({ ...pairOf(leaf, { mkcert: root.pem }), cert: leaf.pem + intermediate.pem }),
    ],
    [
      'a leaf, its intermediate and root in SSL_CA_PATH',
      () => pairOf(leaf, { ca: intermediate.pem + root.pem }),
    ],
    [
      'a leaf, its intermediate in SSL_CA_PATH, its root among those of the system',
      () => pairOf(leaf, { ca: intermediate.pem, roots: [root.pem] }),
    ],
    [
      'the whole chain in one file',
      () => ({ ...pairOf(leaf), cert: leaf.pem + intermediate.pem + root.pem }),
    ],
    [
      'the whole chain, from the root down',
      () => ({ ...pairOf(leaf), cert: root.pem + intermediate.pem + leaf.pem }),
    ],
    [
      'lines that end as on Windows, and words between',
      async () => {
        const one = await own()
        return { cert: crlf(`words\n${one.pem}\n${root.pem}`), key: crlf(one.keyPem) }
      },
    ],
    [
      'a byte order mark',
      async () => {
        const one = await own()
        return { cert: `\ufeff${one.pem}`, key: `\ufeff${one.keyPem}`, ca: root.pem }
      },
    ],
    [
      'DER',
      async () => {
        const one = await own()
        const der = createPrivateKey(one.keyPem).export({ type: 'pkcs8', format: 'der' })
        return { cert: one.der, key: der, ca: root.pem }
      },
    ],
    [
      'an RSA key as PKCS#1',
      async () => {
        const key = rsaKey(2048)
        return { ...pairOf(await own({ key }), { ca: root.pem }), key: pem(key, 'pkcs1') }
      },
    ],
    [
      'an RSA key as PKCS#8',
      async () => pairOf(await own({ key: rsaKey(2048) }), { ca: root.pem }),
    ],
    [
      'an EC key as SEC 1, after its parameters',
      async () => {
        const key = ecKey()
        const parameters =
          '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
        return {
          ...pairOf(await own({ key }), { ca: root.pem }),
          key: parameters + pem(key, 'sec1'),
        }
      },
    ],
  ]

  it.each(starts)('%s', async (_, make) => {
    const files = await put(await make())
    const served = await readCertificateFiles(files)
    expect(served.caCertPem).toBe(root.pem)
    expect(served).toMatchObject({ source: 'files', names, warnings: [], certFile: files.certPath })
    expect(served.cert).toMatch(/^-----BEGIN CERTIFICATE-----\n/)
    expect(served.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  })

  it('with the intermediate that its file leaves out, and without the root', async () => {
    const { cert } = await readCertificateFiles(
      await put(pairOf(leaf, { ca: intermediate.pem + root.pem })),
    )
    expect(cert).toBe(leaf.pem + intermediate.pem)
  })

  it('signed by itself, and is its own root', async () => {
    const self = await issue({ name: 'localhost', ca: false, names })
    const { caCertPem, warnings } = await readCertificateFiles(await put(pairOf(self)))
    expect(caCertPem).toBe(self.pem)
    expect(warnings).toEqual([])
  })

  const openssl = hasCommand('openssl')
  it.skipIf(!openssl)('as `openssl req -x509` makes it (skipped without openssl)', async () => {
    const [cert, key] = [join(folder, 'req.pem'), join(folder, 'req-key.pem')]
    const args = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '90',
      '-subj',
      '/CN=localhost',
    ]
    await run('openssl', [...args, '-out', cert, '-keyout', key])
    const { warnings } = await readCertificateFiles({
      ...(await put({ cert: '', key: '' })),
      certPath: cert,
      keyPath: key,
      // It begins with the second in which it is made.
      now: Date.now() + 1_000,
    })
    expect(warnings.map(({ message }) => message)).toEqual([
      `The certificate in ${cert} does not cover localhost, and has no subject alternative name at all (a common name counts for Node alone).`,
    ])
  })
})

function pairOf(one: Issued, more: Partial<Files> = {}): Files {
  return { cert: one.pem, key: one.keyPem, ...more }
}

describe('a certificate of your own is served with a warning', () => {
  it.each<[string, () => Promise<Files>, string, string]>([
    [
      'whose root is nowhere',
      async () => pairOf(leaf, { roots: [stranger.pem] }),
      'was issued by CN=Lab Issuing CA, and the root it leads to was not found on this machine.',
      'SSL_CA_PATH',
    ],
    [
      'whose namesake of a root is here',
      async () => pairOf(await own(), { mkcert: stranger.pem, roots: [stranger.pem] }),
      'was issued by CN=Lab Root, and the root it leads to was not found',
      'SSL_CA_PATH',
    ],
    [
      'that is made for other names',
      async () => pairOf(await own({ names: ['mybox.example'] }), { ca: root.pem }),
      'does not cover localhost, only mybox.example.',
      'Have it issued for localhost as well',
    ],
    [
      'that ends soon',
      async () => pairOf(await own({ until: 19.5 }), { ca: root.pem }),
      'expires in 19 days.',
      'Renew it where it came from',
    ],
  ])('%s', async (_, make, message, hint) => {
    const { warnings } = await readCertificateFiles(await put(await make()))
    expect(warnings).toMatchObject([
      {
        code: 'CERTIFICATE_INVALID',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      },
    ])
  })
})

describe('a certificate of your own is refused', () => {
  it.each<[string, () => Files | Promise<Files>, string, string]>([
    [
      'that is not there',
      () => ({ cert: undefined, key: 'x' }),
      'mine.pem: ENOENT',
      'Correct SSL_CERT_PATH',
    ],
    [
      'whose key is not there',
      () => ({ cert: leaf.pem, key: undefined }),
      'mine-key.pem: ENOENT',
      'Correct SSL_KEY_PATH',
    ],
    [
      'that is none',
      () => ({ cert: 'x', key: 'x' }),
      'mine.pem: the file is neither PEM nor DER',
      'Point SSL_CERT_PATH',
    ],
    [
      'that is damaged',
      () => ({ cert: '-----BEGIN CERTIFICATE-----\nMIGH\n-----END CERTIFICATE-----\n', key: 'x' }),
      'mine.pem: the block that begins in line 1 is cut off',
      'Point SSL_CERT_PATH',
    ],
    [
      'that is the key',
      () => ({ cert: leaf.keyPem, key: leaf.keyPem }),
      'mine.pem: it holds a private key, and no certificate',
      'Point SSL_CERT_PATH',
    ],
    [
      'whose key is the certificate',
      () => ({ cert: leaf.pem, key: leaf.pem }),
      'mine-key.pem: it holds no PEM private key',
      'SSL_KEY_PATH',
    ],
    [
      'whose key is none',
      () => ({ cert: leaf.pem, key: 'x' }),
      'mine-key.pem: it holds no private key that can be read',
      'SSL_KEY_PATH',
    ],
    ...(['pkcs1', 'pkcs8'] as const).map((type): [string, () => Files, string, string] => [
      `whose key has a passphrase (${type})`,
      () => ({
        cert: leaf.pem,
        key: rsaKey(2048).export({ type, format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
      }),
      'mine-key.pem: its key is protected by a passphrase',
      'openssl pkey -in ',
    ]),
    [
      'whose key has a passphrase (DER)',
      () => ({
        cert: leaf.pem,
        key: ecKey().export({
          type: 'pkcs8',
          format: 'der',
          cipher: 'aes-128-cbc',
          passphrase: 'x',
        }),
      }),
      'mine-key.pem: its key is protected by a passphrase',
      'openssl pkey -in ',
    ],
    [
      'whose key is that of another',
      () => ({ cert: leaf.pem, key: root.keyPem }),
      'mine.pem: it does not belong to the key in',
      'the key that belongs to it',
    ],
    [
      'that has expired',
      async () => pairOf(await own({ from: -9, until: -1 })),
      'mine.pem: it expired on',
      'Have it renewed',
    ],
    [
      'that is not valid yet',
      async () => pairOf(await own({ from: 1 })),
      'mine.pem: it is not valid before',
      'Have it renewed',
    ],
    [
      'that is for clients only',
      async () => pairOf(await own({ usages: ['1.3.6.1.5.5.7.3.2'] })),
      'mine.pem: its extended key usage does not allow a server to show it',
      'issued for TLS servers',
    ],
    [
      'whose key is too short for TLS',
      async () => pairOf(await own({ key: rsaKey(1024) })),
      'mine.pem: TLS refuses it',
      'RSA key of 2048 bits',
    ],
    [
      'whose SSL_CA_PATH is not there',
      async () => pairOf(await own(), { ca: '' }),
      'root.pem: the file is empty',
      'Point SSL_CA_PATH',
    ],
  ])('%s', async (_, make, message, hint) => {
    await expect(readCertificateFiles(await put(await make()))).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringMatching(new RegExp(`${hint}[^]*and a certificate is made for you\\.$`)),
    })
  })
})
