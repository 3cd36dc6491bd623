import { X509Certificate } from 'node:crypto'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { createRunCommand, findSystemProgram } from '../../../src/lib/programs.ts'
import { findJava, type JavaHome } from '../../../src/tls/java.ts'
import {
  createInstalledRecord,
  inspectStores,
  installAuthority,
  removeInstalled,
} from '../../../src/tls/stores/install-authority.ts'
import { createJavaStore } from '../../../src/tls/stores/java-store.ts'
import { createLinuxStore, type LinuxLayout } from '../../../src/tls/stores/linux-store.ts'
import { createNssStore, findNssDatabases } from '../../../src/tls/stores/nss-store.ts'
import {
  argvOf,
  type Change,
  type TrustedAuthority,
  type TrustStore,
} from '../../../src/tls/stores/trust-store.ts'
import { createTestAuthority, temporaryFolder } from '../lab.ts'

// The real tools, on stores in temporary folders; never on those of the machine.

// Java is started some twenty times, each for less time than its better compiler takes to pay off.
const quickJava = { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' }
const run = createRunCommand({ ...process.env, ...quickJava })
const setting = { platform: process.platform, isRoot: true }

const change: Change = async (commands) => {
  for (const command of commands) {
    const { code, stdout, stderr } = await run(argvOf(command, setting))
    if (code !== 0) return { ok: false, problem: stdout + stderr }
  }
  return { ok: true }
}

async function createAuthority(folder: string): Promise<TrustedAuthority> {
  const { certPem } = await createTestAuthority()
  const certificate = new X509Certificate(certPem)
  const file = join(folder, `${certificate.serialNumber}.pem`)
  await writeFile(file, certPem)
  return { certificate, file }
}

/** What every store has to do; `setup` makes one that trusts nothing of ours. */
function testTrustStore(name: string, setup: (folder: string) => Promise<TrustStore>): void {
  it(`${name} trusts what was installed, is stale when it is replaced, and forgets both`, async () => {
    const folder = await temporaryFolder()
    const store = await setup(folder)
    const record = createInstalledRecord(folder)
    const [first, second] = await Promise.all([createAuthority(folder), createAuthority(folder)])
    const install = async (authority: TrustedAuthority) => {
      const options = { authority, record, change }
      const [report] = await installAuthority([store], options)
      return report
    }
    const inspect = async (authority: TrustedAuthority) =>
      (await inspectStores([store], { authority }))[0]?.status
    const { fingerprint256: earlier } = first.certificate

    expect(await inspect(first)).toEqual({ state: 'not-trusted', earlier: [] })
    expect(await install(first)).toMatchObject({ changed: true, status: { state: 'trusted' } })
    expect(await inspect(second)).toEqual({ state: 'stale', earlier: [earlier] })
    expect(await install(second)).toMatchObject({ changed: true, status: { state: 'trusted' } })
    expect(await install(second)).toMatchObject({ changed: false, status: { state: 'trusted' } })
    expect(await inspect(second)).toEqual({ state: 'trusted', earlier: [earlier] })
    expect(await record.list()).toHaveLength(2)

    const removals = await removeInstalled([store], { record, change })
    expect(removals.map(({ removed }) => removed)).toEqual([true, true])
    expect(await inspect(second)).toEqual({ state: 'not-trusted', earlier: [] })
    expect(await record.list()).toEqual([])
  })

  it(`${name} keeps what somebody else put there`, async () => {
    const folder = await temporaryFolder()
    const store = await setup(folder)
    const record = createInstalledRecord(folder)
    const authority = await createAuthority(folder)
    await change(store.install(authority))
    const options = { authority, record, change }
    expect(await installAuthority([store], options)).toMatchObject([{ changed: false }])
    expect(await removeInstalled([store], { record, change })).toEqual([])
    expect(await inspectStores([store], { authority })).toMatchObject([
      { status: { state: 'trusted' } },
    ])
  })
}

const searchPath = process.env.PATH ?? ''
const toolOf = (name: string) => findSystemProgram(name, { platform: process.platform, searchPath })
const certutil = process.platform === 'win32' ? undefined : toolOf('certutil')

describe.skipIf(!certutil)('NSS (skipped where certutil of libnss3-tools is not installed)', () => {
  testTrustStore('a browser database', async (home) => {
    const folder = join(home, 'snap/firefox/common/.mozilla/firefox/it is.default')
    await mkdir(folder, { recursive: true })
    await run([certutil ?? '', '-N', '-d', `sql:${folder}`, '--empty-password'])
    const [database] = findNssDatabases('linux', home)
    if (!database) throw new Error('the database was not found')
    expect(database).toMatchObject({ browser: 'Firefox', folder })
    return createNssStore({ database, certutil, packageHint: '', run })
  })
})

const java = findJava(process.env, process.platform)

describe.skipIf(!java)('Java (skipped where keytool is not installed)', () => {
  async function createJava(folder: string, layout: string): Promise<JavaHome | undefined> {
    const home = join(folder, 'jdk')
    await mkdir(join(home, 'bin'), { recursive: true })
    await mkdir(join(home, layout), { recursive: true })
    await symlink(java?.keytool ?? '', join(home, 'bin/keytool'))
    await cp(java?.cacerts ?? '', join(home, layout, 'cacerts'), { dereference: true })
    return findJava({ JAVA_HOME: home, PATH: '' }, process.platform)
  }

  testTrustStore('a Java', async (folder) => {
    const created = await createJava(folder, 'lib/security')
    if (!created) throw new Error('the Java was not found')
    return createJavaStore({ java: created, run })
  })

  it.each(['lib/security', 'jre/lib/security'])('its roots are found in %s', async (layout) => {
    const folder = await temporaryFolder()
    const cacerts = join(folder, 'jdk', layout, 'cacerts')
    expect(await createJava(folder, layout)).toMatchObject({ cacerts })
  })
})

const updater = toolOf('update-ca-certificates')

describe.skipIf(process.platform !== 'linux' || !updater)(
  'the system (skipped where Debian’s update-ca-certificates is not installed)',
  () => {
    async function createRoot(folder: string): Promise<LinuxLayout> {
      const part = (name: string) => join(folder, name)
      const parts = ['anchors', 'certs', 'given', 'hooks']
      await Promise.all(parts.map((name) => mkdir(part(name))))
      // A root of the distribution's own.
      await writeFile(part('given/given.crt'), rootCertificates[0] ?? '')
      await writeFile(part('conf'), 'given.crt\n')
      const flags = [
        ...['--certsconf', part('conf'), '--certsdir', part('given')],
        ...['--localcertsdir', part('anchors'), '--etccertsdir', part('certs')],
        ...['--hooksdir', part('hooks')],
      ]
      return {
        family: 'debian',
        anchors: part('anchors'),
        extension: '.crt',
        update: ['update-ca-certificates', ...flags],
        afterRemoval: ['--fresh'],
        bundle: part('certs/ca-certificates.crt'),
      }
    }

    testTrustStore('a system of Debian’s kind', async (folder) => {
      const root = join(folder, 'root')
      await mkdir(root)
      return createLinuxStore({ layout: await createRoot(root), updater })
    })
  },
)

it('a store whose tool is missing says which package has it', async () => {
  const database = { browser: 'Chrome', folder: '/x', name: 'sql:/x' } as const
  const packageHint = 'Install nss-tools.'
  const store = createNssStore({ database, certutil: undefined, packageHint, run })
  expect(await store.check()).toMatchObject({ present: false, hint: packageHint })
})

it('commands that claim success and change nothing are found out', async () => {
  const folder = await temporaryFolder()
  const authority = await createAuthority(folder)
  const layout = { anchors: folder, extension: '.crt', bundle: join(folder, 'bundle.pem') } as const
  const update = ['true']
  const store = createLinuxStore({
    layout: { family: 'debian', ...layout, update },
    updater: '/bin/true',
  })
  const record = createInstalledRecord(folder)
  const [report] = await installAuthority([store], { authority, record, change })
  expect(report).toMatchObject({ changed: false, status: { state: 'not-trusted' } })
  expect(report?.problem).toContain('the certificate is not there')
  expect(await record.list()).toEqual([])
})

it('a root of the system that cannot be read hides none of the others', async () => {
  const folder = await temporaryFolder()
  const { certificate } = await createAuthority(folder)
  const bundle = join(folder, 'bundle.pem')
  const damaged = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  await writeFile(bundle, `${damaged}${certificate}`)
  const layout = { family: 'debian', anchors: folder, extension: '.crt', bundle } as const
  const store = createLinuxStore({ layout: { ...layout, update: ['true'] }, updater: '/bin/true' })
  expect(await store.check()).toMatchObject({ present: true, certificates: [{ isTrusted: true }] })
})
