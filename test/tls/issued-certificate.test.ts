import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { authorityFiles } from '../../src/tls/authority.ts'
import { issueAuthority } from '../../src/tls/issue.ts'
import { type IssueOptions, obtainIssuedCertificate } from '../../src/tls/issued-certificate.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'
import {
  dayMs,
  handshake,
  labOptions,
  openCertificate,
  run,
  serve,
  temporaryFolder,
} from './lab.ts'

const now = Date.now()
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
})

/** Options under one folder, where an RSA authority stands as mkcert would leave it. */
async function issueOptions(): Promise<IssueOptions & { mkcertRoot: string }> {
  const folder = await temporaryFolder()
  const mkcertRoot = join(folder, 'mkcert')
  await mkdir(mkcertRoot)
  const files = authorityFiles(mkcertRoot)
  const key = createPrivateKey(rsaKey)
  await writeFile(files.keyFile, rsaKey)
  await writeFile(files.certFile, await issueAuthority(key, { permitted: ['localhost'], now }))
  return {
    caRoot: join(folder, 'ca'),
    mkcertRoot,
    folder: join(folder, 'certs'),
    hostname: '',
    names: [],
    interfaces: {},
    logger: silentLogger,
  }
}

it('prefers the authority of mkcert, and signs with its RSA key', async () => {
  const options = await issueOptions()
  const served = await obtainIssuedCertificate(options, { now, force: false })
  expect(served).toMatchObject({ source: 'mkcert', warnings: [] })
  const { port } = await serve(served)
  expect(await handshake(port, { ca: served.caCertPem })).toBe(served.fingerprint256)
  await expect(readdir(options.caRoot)).rejects.toThrow('ENOENT')
})

it.each([
  ['is damaged', 0, (root: string) => writeFile(authorityFiles(root).keyFile, 'nothing')],
  ['has expired', 3700 * dayMs, async () => {}],
])('signs with our own authority when that of mkcert %s, and warns', async (_, offset, spoil) => {
  const options = await issueOptions()
  await spoil(options.mkcertRoot)
  const served = await obtainIssuedCertificate(options, { now: now + offset, force: false })
  expect(served.source).toBe('own-ca')
  expect(served.warnings).toMatchObject([
    { code: 'CA_UNUSABLE', message: expect.stringContaining(options.mkcertRoot) },
  ])
})

it.each(['certFile', 'keyFile'] as const)(
  'signs with our own authority when that of mkcert has no %s',
  async (missing) => {
    const options = await issueOptions()
    await rm(authorityFiles(options.mkcertRoot)[missing])
    const served = await obtainIssuedCertificate(options, { now, force: false })
    expect(served).toMatchObject({ source: 'own-ca', warnings: [] })
  },
)

it('leaves mkcert alone when the folder of our authority is given', async () => {
  const { mkcertRoot } = await issueOptions()
  const local = await openCertificate({ ...labOptions(await temporaryFolder()), mkcertRoot })
  expect(local.current().source).toBe('own-ca')
})

it.skipIf(process.platform !== 'linux')(
  "keeps our authority in the user's data folder by default (Linux)",
  async () => {
    const folder = await temporaryFolder()
    const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const script = `
      const { createLocalCertificate } = await import(${url('../../src/tls/local-certificate.ts')})
      const { systemClock } = await import(${url('../../src/lib/clock.ts')})
      const { silentLogger } = await import(${url('../fixtures/silent-logger.ts')})
      const local = await createLocalCertificate({
        home: process.argv[1], tls: {}, mkcertRoot: undefined, hostname: '', names: () => [],
        interfaces: () => ({}), readRoots: async () => [], clock: systemClock, logger: silentLogger,
      })
      await local.close()`
    const args = ['--input-type=module', '-e', script, join(folder, 'home')]
    const env = { XDG_DATA_HOME: join(folder, 'data') }
    expect(await run(process.execPath, args, env)).toEqual({ code: 0, output: '' })
    expect((await readdir(join(folder, 'data', 'sallyport', 'ca'))).sort()).toEqual([
      'rootCA-key.pem',
      'rootCA.pem',
    ])
  },
)
