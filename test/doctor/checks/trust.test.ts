import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { programTrust } from '../../../src/doctor/checks/trust.ts'
import { trustVariables } from '../../../src/doctor/checks/trust-variables.ts'
import { type DoctorWorld, environmentCommand } from '../../../src/doctor/world.ts'
import { temporaryFolder } from '../../cli/helpers.ts'
import { issueEdgeCertificate } from '../../emulators/certificates.ts'
import { hasCommand } from '../../tls/lab.ts'
import { say, startLab } from '../lab.ts'

const fix = 'eval "$(pnpm -s sallyport env --shell bash)"'

/** A gateway that has run, and where its trust files lie. */
async function start() {
  const lab = await startLab()
  const certs = join(lab.config.home, 'certs')
  return { lab, caFile: join(certs, 'ca.pem'), bundleFile: join(certs, 'bundle.pem') }
}

/** The world in which there is no other program than this. */
function only(program: string, world: DoctorWorld): DoctorWorld {
  return {
    ...world,
    run: async (name, ...rest) =>
      name === program ? world.run(name, ...rest) : { state: 'missing' },
  }
}

describe('the check of trust', () => {
  it('really asks each program, and gives the line that helps those that refuse', async () => {
    const { lab, caFile, bundleFile } = await start()
    const untold = await say(programTrust, await lab.world())
    const refusing = untold.find((line) => line.includes('as they are started from here')) ?? ''
    expect(refusing).toContain('warn: Node')
    expect(refusing).toContain(fix)
    for (const [program, name] of [
      ['python3', 'Python'],
      ['curl', 'curl'],
      ['git', 'git'],
    ] as const) {
      if (hasCommand(program)) expect(refusing).toContain(name)
    }
    const told = await say(
      programTrust,
      await lab.world({
        NODE_EXTRA_CA_CERTS: caFile,
        SSL_CERT_FILE: bundleFile,
        REQUESTS_CA_BUNDLE: bundleFile,
        CURL_CA_BUNDLE: bundleFile,
        GIT_SSL_CAINFO: bundleFile,
      }),
    )
    expect(told[0]).toMatch(
      /^ok: Node.* trust the local certificate as they are started from here\.$/,
    )
    expect(told.filter((line) => !line.includes('Java')).slice(1)).toEqual([])
  })

  it('shows the certificate itself while no gateway runs', async () => {
    const { lab, caFile } = await start()
    await lab.gateway.close()
    const world = await lab.world({ NODE_EXTRA_CA_CERTS: caFile }, { gateway: { state: 'absent' } })
    const [line] = await say(programTrust, only('node', world))
    expect(line).toMatch(/^ok: Node.* local certificate as they are started from here/)
  })

  it.skipIf(!hasCommand('keytool'))('asks Java for its list', async () => {
    const { lab } = await start()
    expect(await say(programTrust, only('keytool', await lab.world()))).toEqual([
      'warn: Java refuses the local certificate: our authority is not in its list. -> pnpm sallyport trust',
    ])
  })

  it.each([
    ['linux', '/bin/zsh', fix],
    ['linux', '/usr/bin/fish', 'pnpm -s sallyport env --shell fish | source'],
    ['win32', '', 'pnpm -s sallyport env --shell powershell | Out-String | Invoke-Expression'],
  ] as const)('speaks the shell of %s %s', (platform, SHELL, expected) => {
    const settings = { environment: { SHELL }, dotenv: {}, dotenvPath: '' }
    expect(environmentCommand({ platform, settings })).toBe(expected)
  })
})

describe('the check of variables', () => {
  it('says nothing where none is set, and is content with whole files', async () => {
    const { lab, caFile, bundleFile } = await start()
    expect(await say(trustVariables, await lab.world())).toEqual([])
    const env = { NODE_EXTRA_CA_CERTS: caFile, SSL_CERT_FILE: bundleFile }
    expect(await say(trustVariables, await lab.world(env))).toEqual([
      'ok: NODE_EXTRA_CA_CERTS and SSL_CERT_FILE lead to files that are whole.',
    ])
  })

  it.each(['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'])(
    'refuses our authority alone in %s, which replaces the roots',
    async (name) => {
      const { lab, caFile } = await start()
      expect(await say(trustVariables, await lab.world({ [name]: caFile }))).toEqual([
        `fail: ${name} names .sallyport/certs/ca.pem, which holds our authority and no other: it replaces the system's roots, so every other https address fails. -> ${fix}`,
      ])
    },
  )

  it('sees a file that is gone, empty, or of an authority that was replaced', async () => {
    const { lab, caFile } = await start()
    const file = join(await temporaryFolder(), 'old.pem')
    const judge = async () =>
      (await say(trustVariables, await lab.world({ NODE_EXTRA_CA_CERTS: file })))[0]
    expect(await judge()).toMatch(/^fail: NODE_EXTRA_CA_CERTS names .*, which cannot be read; most/)
    await writeFile(file, 'nothing')
    expect(await judge()).toMatch(/^fail: .*, which holds no certificate\./)
    await writeFile(file, (await issueEdgeCertificate()).ca)
    expect(await judge()).toMatch(
      /^fail: .*, which holds an authority of ours that has been replaced/,
    )
    await writeFile(file, await readFile(caFile))
    expect(await judge()).toMatch(/^ok: /)
    await rm(file)
  })

  it.each([
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['GIT_SSL_NO_VERIFY', 'true'],
    ['PYTHONHTTPSVERIFY', '0'],
  ])('warns of %s, which turns verification off', async (name, value) => {
    const { lab } = await start()
    expect(await say(trustVariables, await lab.world({ [name]: value }))).toEqual([
      `warn: ${name} turns the verification of certificates off, so anybody may pretend to be any server. -> unset ${name}`,
    ])
    expect(await say(trustVariables, await lab.world({ [name]: '' }))).toEqual([])
  })
})
