import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { javaToolOptions } from '../../src/tls/java.ts'
import { hasCommand, run } from '../tls/lab.ts'
import { sallyport, sallyportProcess, servesCertificateOf } from './command.ts'
import { temporaryFolder } from './helpers.ts'

/** A folder whose every path is hard to quote. */
async function createProject() {
  const root = await temporaryFolder()
  const cwd = join(root, `it's "the" $HOME \`of\` \\n %PATH%; Ada & co`)
  await mkdir(join(cwd, 'config'), { recursive: true })
  await writeFile(join(cwd, 'config/gateway.json'), '{ "mcpServers": {} }')
  const env = { HOME: root, XDG_DATA_HOME: join(root, 'data'), SALLYPORT_CA_ROOT: join(cwd, 'ca') }
  const certs = join(cwd, '.sallyport/certs')
  const printed = async (args: readonly string[] = [], more: Record<string, string> = {}) => {
    const result = await sallyport(['env', ...args], { cwd, env: { ...env, ...more } })
    expect(result).toMatchObject({ code: 0, err: '' })
    return result.out
  }
  return {
    root,
    cwd,
    env,
    certs,
    ca: join(certs, 'ca.pem'),
    bundle: join(certs, 'bundle.pem'),
    printed,
  }
}

const posix = (shell: string) => [shell, '-c'] as const
const shells = [
  ['bash', posix('bash')],
  ['zsh', posix('zsh')],
  ['fish', posix('fish')],
  ['powershell', ['pwsh', '-NoProfile', '-Command']],
] as const

describe('sallyport env', () => {
  for (const [shell, [command, ...flags]] of shells) {
    it.skipIf(!hasCommand(command))(
      `prints lines that ${shell} runs as they are (skipped where ${command} is not installed)`,
      async () => {
        const { root, ca, bundle, printed } = await createProject()
        const lines = await printed(['--shell', shell])
        const echo = 'printenv NODE_EXTRA_CA_CERTS; printenv SSL_CERT_FILE'
        const { output } = await run(command, [...flags, `${lines}\n${echo}`], { HOME: root })
        expect(output).toBe(`${ca}\n${bundle}\n`)
      },
    )
  }

  it('prints each variable once, those that add with ca.pem, those that replace with bundle.pem', async () => {
    const { printed, ca, bundle } = await createProject()
    const { shell, variables } = JSON.parse(await printed(['--json', '--shell', 'cmd']))
    expect(shell).toBe('cmd')
    expect(
      variables.map(({ name, value }: { name: string; value: string }) => [name, value]),
    ).toEqual([
      ['NODE_EXTRA_CA_CERTS', ca],
      ['SSL_CERT_FILE', bundle],
      ['REQUESTS_CA_BUNDLE', bundle],
      ['CURL_CA_BUNDLE', bundle],
      ['GIT_SSL_CAINFO', bundle],
      ['DENO_CERT', ca],
    ])
  })

  it.each([
    ['claude-code', ['NODE_EXTRA_CA_CERTS']],
    ['gemini-cli', ['NODE_EXTRA_CA_CERTS']],
    ['codex', ['CODEX_CA_CERTIFICATE']],
  ])('prints what %s reads, and nothing else', async (client, names) => {
    const { printed } = await createProject()
    const { variables } = JSON.parse(await printed(['--json', '--client', client]))
    expect(variables.map(({ name }: { name: string }) => name)).toEqual(names)
  })

  it('takes the shell of the environment', async () => {
    const { cwd, env } = await createProject()
    // As processes of their own, which is what a shell starts.
    const [fish, dash] = await Promise.all(
      ['/usr/bin/fish', '/bin/dash'].map((SHELL) =>
        sallyportProcess(['env'], { cwd, env: { ...env, SHELL } }),
      ),
    )
    expect(fish).toMatchObject({ code: 0, out: expect.stringContaining('set -gx NODE_EXTRA_CA') })
    expect(dash).toMatchObject({ code: 0, out: expect.stringContaining('export NODE_EXTRA_CA') })
  })

  it.each([
    [['--shell', 'tcsh'], 'There is no shell "tcsh".', 'bash, zsh, fish, powershell, cmd'],
    [['--client', 'claude'], 'There is no client "claude".', 'Did you mean claude-code?'],
  ])('refuses %j and names the known ones', async (args, message, hint) => {
    const { cwd, env } = await createProject()
    const { code, out, err } = await sallyport(['env', ...args], { cwd, env })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err.replaceAll(/\s+/g, ' ')).toContain(message)
    expect(err.replaceAll(/\s+/g, ' ')).toContain(hint)
  })

  it('joins what a variable names already with ours, and stays at that', async () => {
    const { root, certs, ca, printed } = await createProject()
    const corporate = rootCertificates[1] ?? ''
    const existing = join(root, 'corporate.pem')
    await writeFile(existing, `# comment\n${corporate}\n`)
    const args = ['--json', '--client', 'node']
    const first = JSON.parse(await printed(args, { NODE_EXTRA_CA_CERTS: existing }))
    const combined = join(certs, 'node-extra-ca-certs.pem')
    expect(first.variables[0].value).toBe(combined)
    expect(first.variables[0].notes[1]).toContain(existing)
    const text = await readFile(combined, 'utf8')
    const plain = (pem: string) => pem.replaceAll(/\s/g, '')
    expect(plain(text)).toBe(plain(`${corporate}${await readFile(ca, 'utf8')}`))
    const second = JSON.parse(await printed(args, { NODE_EXTRA_CA_CERTS: combined }))
    expect(second.variables[0].value).toBe(combined)
    expect(await readFile(combined, 'utf8')).toBe(text)
  })

  it('makes no other file when ours holds everything a variable names', async () => {
    const { root, bundle, printed } = await createProject()
    const existing = join(root, 'public.pem')
    await writeFile(existing, rootCertificates[0] ?? '')
    const { variables } = JSON.parse(
      await printed(['--json', '--client', 'curl'], { CURL_CA_BUNDLE: existing }),
    )
    expect(variables).toMatchObject([{ value: bundle, notes: [expect.stringContaining('curl')] }])
  })

  it('says what is left out when the file of a variable cannot be read', async () => {
    const { bundle, printed } = await createProject()
    const lines = await printed(['--client', 'curl', '--shell', 'bash'], {
      CURL_CA_BUNDLE: '/nowhere/at $(all).pem',
    })
    expect(lines).toContain('# It was set to /nowhere/at   all .pem, which is left out')
    expect(lines).toContain(bundle.slice(0, 20))
  })

  it('never advises to turn verification off', async () => {
    const { printed } = await createProject()
    const texts = await Promise.all([printed(), printed(['--client', 'java'])])
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    for (const text of [...texts, readme]) {
      expect(text).not.toMatch(
        /NODE_TLS_REJECT|\binsecure\b|verify\s*=\s*false|SSL_NO_VERIFY|PYTHONHTTPSVERIFY|strict-ssl|sslVerify|unsafely-ignore|curl -k/i,
      )
    }
  })
})

describe('the variables it prints', () => {
  const python =
    'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())'
  it.each([
    [
      'node',
      process.execPath,
      ['-e', 'fetch(process.argv[1]).then((r) => r.text()).then(console.log)'],
      'UNABLE_TO_VERIFY',
    ],
    ['python', 'python3', ['-c', python], 'CERTIFICATE_VERIFY_FAILED'],
    ['curl', 'curl', ['-sS', '--max-time', '9'], 'curl: (60)'],
    ['git', 'git', ['ls-remote'], 'certificate'],
  ] as const)('let %s connect, which refuses without', async (client, command, args, refusal) => {
    if (!hasCommand(command)) throw new Error(`${command} is not installed, which this test needs`)
    const { root, certs, printed } = await createProject()
    const { variables } = JSON.parse(await printed(['--json', '--client', client]))
    const url = await servesCertificateOf(certs)
    const told = Object.fromEntries(
      variables.map(({ name, value }: { name: string; value: string }) => [name, value]),
    )
    const home = { HOME: root, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' }
    const [trusting, refusing] = await Promise.all([
      run(command, [...args, url], { ...home, ...told }),
      run(command, [...args, url], home),
    ])
    // To git the empty answer is a repository without branches.
    expect(trusting).toEqual({
      code: 0,
      output: client === 'git' ? '' : expect.stringContaining('ok'),
    })
    expect(refusing.output).toContain(refusal)
  })

  // Of the two, curl 7.88 (Debian 12) asks SSL_CERT_DIR alone; CURL_CA_BUNDLE stands above both.
  it('let curl connect where SSL_CERT_DIR names a folder of authorities', async () => {
    const { root, certs, printed } = await createProject()
    const env = { HOME: root, SSL_CERT_DIR: root }
    const lines = await printed(['--shell', 'bash'], env)
    const url = await servesCertificateOf(certs)
    const ask = `curl -sS --max-time 9 ${url}`
    expect((await run('bash', ['-c', ask], env)).output).toContain('curl: (60)')
    expect(await run('bash', ['-c', `${lines}\n${ask}`], env)).toEqual({ code: 0, output: 'ok' })
  })
})

describe.skipIf(!hasCommand('keytool') || !hasCommand('java'))(
  'for Java (skipped where keytool or java is not installed)',
  () => {
    const source = `
      import java.net.URI; import java.net.http.*;
      class Get { public static void main(String[] a) throws Exception {
        var r = HttpRequest.newBuilder(URI.create(a[0])).build();
        System.out.println(HttpClient.newHttpClient().send(r, HttpResponse.BodyHandlers.ofString()).body());
      } }`

    it('it makes a trust store that a real Java verifies with, which refuses without', async () => {
      const { root, cwd, certs, printed } = await createProject()
      await writeFile(join(root, 'Get.java'), source)
      const { variables } = JSON.parse(await printed(['--json', '--client', 'java']))
      const [{ name, value }] = variables
      expect(name).toBe('JAVA_TOOL_OPTIONS')
      expect(existsSync(join(cwd, '.sallyport/certs/java-cacerts'))).toBe(true)
      const url = await servesCertificateOf(certs)
      const args = [join(root, 'Get.java'), url]
      const [trusting, refusing] = await Promise.all([
        run('java', args, { [name]: value }),
        run('java', args),
      ])
      expect(trusting.output).toContain('ok')
      expect(refusing.output).toContain('unable to find valid certification path')
    })
  },
)

it('without a Java it says how to get one', async () => {
  const { cwd, env } = await createProject()
  const { out } = await sallyport(['env', '--client', 'java', '--shell', 'bash'], {
    cwd,
    env: { ...env, PATH: '/nowhere' },
  })
  expect(out).toContain('# Java reads no PEM file, and no keytool was found')
  expect(out).not.toMatch(/^export/m)
})

it('adds to JAVA_TOOL_OPTIONS once, and quotes a path as Java reads it', () => {
  const ours = `-Djavax.net.ssl.trustStore="/it's "'"'"x" -Djavax.net.ssl.trustStorePassword=changeit`
  const options = javaToolOptions(`/it's "x`, '-Xmx1g')
  expect(options).toBe(`-Xmx1g ${ours}`)
  expect(javaToolOptions(`/it's "x`, options)).toBe(options)
})
