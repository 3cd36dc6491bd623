import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import type { GatewayEvent, ReadyEvent } from '../../src/gateway-events.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { handshake, hasCommand, run } from '../tls/lab.ts'
import { issue, issueChain } from '../tls/upstream/lab.ts'

// A gateway with SSL_CERT_PATH and SSL_KEY_PATH: its own proof is about the certificate it loaded,
// and what it says of clients is about the root that certificate leads to.

type Tls = ResolvedConfig['tls']

const nothing: Tls = {
  certPath: undefined,
  keyPath: undefined,
  caPath: undefined,
  caRoot: undefined,
  mkcertEnvironment: {
    CAROOT: undefined,
    LOCALAPPDATA: undefined,
    XDG_DATA_HOME: undefined,
    HOME: undefined,
  },
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-own-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function put(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

/** Starts and stops a gateway; what it said, and what a client sees that trusts `caFile` alone. */
async function start(tls: Partial<Tls>) {
  const config = { tls: { ...nothing, caRoot: join(folder, 'ca'), ...tls } }
  const { gateway, events, close } = await startTestGateway({ servers: {}, https: true, config })
  try {
    const ready = gateway.status()
    const ca = ready.caFile && (await readFile(ready.caFile, 'utf8'))
    const port = Number(new URL(ready.appUrl).port)
    return { ready, warnings: warningsIn(events), seen: await handshake(port, { ca }) }
  } finally {
    await close()
  }
}

function warningsIn(events: readonly GatewayEvent[]): string[] {
  return events.flatMap((event) => (event.event === 'warning' ? [event.message] : []))
}

function expectNamed({
  ready,
  warnings,
  seen,
}: {
  ready: ReadyEvent
  warnings: string[]
  seen: string
}) {
  expect(warnings).toEqual([])
  expect(ready.caFingerprint).toMatch(/^([0-9A-F]{2}:){31}/)
  expect(seen).toBe(ready.certFingerprint)
}

describe('a gateway with a certificate of your own starts', () => {
  it.skipIf(!hasCommand('mkcert'))(
    'as mkcert writes it, and names its root (skipped without mkcert)',
    async () => {
      const CAROOT = join(folder, 'mkcert')
      const [certPath, keyPath] = [
        join(folder, 'localhost+2.pem'),
        join(folder, 'localhost+2-key.pem'),
      ]
      const files = ['-cert-file', certPath, '-key-file', keyPath]
      const env = { CAROOT, TRUST_STORES: 'none' }
      const made = await run('mkcert', [...files, 'localhost', '127.0.0.1', '::1'], env)
      expect(made.code, made.output).toBe(0)
      const mkcertEnvironment = { ...nothing.mkcertEnvironment, CAROOT }
      expectNamed(await start({ certPath, keyPath, mkcertEnvironment }))
    },
  )

  it('with its intermediate, and names the root of SSL_CA_PATH', async () => {
    const { root, intermediate, leaf } = await issueChain()
    const certPath = await put('chain.pem', leaf.pem + intermediate.pem)
    const keyPath = await put('chain-key.pem', leaf.keyPem)
    expectNamed(await start({ certPath, keyPath, caPath: await put('root.pem', root.pem) }))
  })

  it('signed by itself', async () => {
    const self = await issue({ name: 'localhost', ca: false, names: ['localhost'] })
    const certPath = await put('self.pem', self.pem)
    expectNamed(await start({ certPath, keyPath: await put('self-key.pem', self.keyPem) }))
  })

  it('whose root is not here, with one warning and no client that refused it', async () => {
    const { leaf } = await issueChain()
    const certPath = await put('leaf.pem', leaf.pem)
    const { ready, warnings } = await start({
      certPath,
      keyPath: await put('leaf-key.pem', leaf.keyPem),
    })
    expect(ready).toMatchObject({ certFile: certPath })
    expect(ready.caFile).toBeUndefined()
    expect(warnings).toEqual([
      `The certificate in ${certPath} was issued by CN=Lab Issuing CA, and the root it leads to was not found on this machine.`,
    ])
  })

  it('that is made for another name, with one warning', async () => {
    const self = await issue({ name: 'box', ca: false, names: ['mybox.example'] })
    const certPath = await put('other.pem', self.pem)
    const { warnings } = await start({ certPath, keyPath: await put('other-key.pem', self.keyPem) })
    expect(warnings).toEqual([
      `The certificate in ${certPath} does not cover localhost, only mybox.example.`,
    ])
  })
})

describe('a gateway without one', () => {
  it('keeps the authorities that a variable names already in the file it gives to clients', async () => {
    const corp = await issue({ name: 'Corp Root' })
    const NODE_EXTRA_CA_CERTS = await put('corp.pem', corp.pem)
    const config = { environment: { NODE_EXTRA_CA_CERTS } }
    const { gateway, close } = await startTestGateway({ servers: {}, https: true, config })
    try {
      const { caFile = '', combinedFiles = {} } = gateway.status()
      expect(Object.keys(combinedFiles)).toEqual(['NODE_EXTRA_CA_CERTS'])
      const text = await readFile(combinedFiles.NODE_EXTRA_CA_CERTS ?? '', 'utf8')
      expect(text).toBe(corp.pem + (await readFile(caFile, 'utf8')))
    } finally {
      await close()
    }
  })

  it('tells the fingerprint of each file beside it, and lists only origins that answer', async () => {
    const { gateway, close } = await startTestGateway({ servers: {}, https: true })
    try {
      const {
        caFile = '',
        caFingerprint,
        certFile = '',
        certFingerprint,
        origins,
      } = gateway.status()
      const inFile = async (file: string) =>
        new X509Certificate(await readFile(file)).fingerprint256
      expect([caFingerprint, certFingerprint]).toEqual([
        await inFile(caFile),
        await inFile(certFile),
      ])
      const answers = origins.map(async (origin) =>
        run(
          process.execPath,
          [
            '-e',
            'fetch(process.argv[1]).then(({ status }) => console.log(status), console.log)',
            `${origin}/health`,
          ],
          { NODE_EXTRA_CA_CERTS: caFile },
        ),
      )
      const outputs = (await Promise.all(answers)).map(({ output }) => output)
      expect(outputs).toEqual(origins.map(() => '200\n'))
    } finally {
      await close()
    }
  })
})
