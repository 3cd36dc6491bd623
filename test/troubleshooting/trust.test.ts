import { execFileSync } from 'node:child_process'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { temporaryFolder, until } from '../cli/helpers.ts'
import {
  createProject,
  linesOf,
  type Project,
  runDoctor,
  startGateway,
} from '../doctor/doctor-process.ts'
import { issueEdgeCertificate } from '../emulators/certificates.ts'
import { certutil, hasChromium, textIn, trustInBrowsers } from '../fixtures/chromium.ts'
import { undoneForAll } from '../fixtures/cleanup.ts'
import { handshake, hasCommand, run } from '../tls/lab.ts'
import { row } from './row.ts'

const cure = 'eval "$(pnpm -s sallyport env --shell bash)"'
const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A project with a gateway, for the rows that leave both as they are. */
const shared = undoneForAll(async (atEnd) => {
  const project = await createProject({}, atEnd)
  return { project, ready: (await startGateway(project, atEnd)).ready }
})

/** What Node says of an address: a status, or the codes of its refusal. */
async function fetchAs(url: string, env: Record<string, string> = {}): Promise<string> {
  const script = `fetch(process.argv[1]).then(
    ({ status }) => console.log(status),
    (error) => console.log(error.message, error.cause?.code, error.cause?.message))`
  return (await run(process.execPath, ['-e', script, url], env)).output
}

const withEnv = (project: Project, env: Record<string, string>): Project => ({
  ...project,
  env: { ...project.env, ...env },
})

row(
  '`fetch failed`, `UNABLE_TO_VERIFY_LEAF_SIGNATURE`, `self-signed certificate in certificate chain`',
  async () => {
    const { project, ready } = await shared()
    const url = `${ready.appUrl}/health`
    expect(await fetchAs(url)).toMatch(/^fetch failed UNABLE_TO_VERIFY_LEAF_SIGNATURE/)
    const { report } = await runDoctor(project)
    const [line] = linesOf(report, 'trust')
    expect(line).toMatch(/^warn: Node.* the local certificate as they are started from here\./)
    expect(line).toContain(cure)
    expect(await fetchAs(url, { NODE_EXTRA_CA_CERTS: ready.caFile ?? '' })).toBe('200\n')
  },
)

row('it works in the browser, and not in the client', async () => {
  const { project, ready } = await shared()
  const url = `${ready.appUrl}/health`
  const caFile = ready.caFile ?? ''
  const home = await temporaryFolder()
  if (hasChromium && certutil) {
    await trustInBrowsers(caFile, home)
    expect(await textIn(url, home)).toContain('uptimeSeconds')
  } else {
    // The browser's part is played by a program that was told.
    expect(await fetchAs(url, { NODE_EXTRA_CA_CERTS: caFile })).toBe('200\n')
  }
  expect(await fetchAs(url, { HOME: home })).toMatch(/^fetch failed UNABLE_TO_VERIFY/)
  const { report } = await runDoctor(withEnv(project, { HOME: home }))
  const [line] = linesOf(report, 'trust')
  expect(line).toMatch(/^warn: Node.* the local certificate as they are started from here\./)
  expect(line).toContain(cure)
})

row('`ERR_TLS_CERT_ALTNAME_INVALID`, though there is a certificate', async () => {
  const project = await createProject()
  const gateway = await startGateway(project)
  const { appUrl, caFile = '' } = gateway.ready
  const ca = await readFile(caFile, 'utf8')
  const servername = 'shop.localhost'
  expect(await handshake(Number(new URL(appUrl).port), { ca, servername })).toContain(
    'ERR_TLS_CERT_ALTNAME_INVALID',
  )
  await gateway.stop()
  const file = { mcpServers: {}, allowedHosts: ['shop.localhost'] }
  await writeFile(join(project.folder, 'config/gateway.json'), JSON.stringify(file))
  const [before] = linesOf((await runDoctor(project)).report, 'certificate')
  expect(before).toMatch(/^fail: .* does not cover shop\.localhost/)
  expect(before).toContain('-> pnpm sallyport certs renew')
  const options = { cwd: project.folder, env: project.env }
  execFileSync(process.execPath, [main, 'certs', 'renew'], options)
  const [after] = linesOf((await runDoctor(project)).report, 'certificate')
  expect(after).toMatch(/^ok: /)
})

row('`UNSUPPORTED_CONSTRAINT_TYPE`, `unsupported name constraint type`', async () => {
  const project = await createProject()
  const { ready, output } = await startGateway(project)
  // Bun's part is played by a program that hangs up as it does: after our certificate, by address.
  const url = ready.appUrl.replace('localhost', '127.0.0.1')
  expect(await fetchAs(url)).toMatch(/^fetch failed/)
  await until(() => output().includes('UNSUPPORTED_CONSTRAINT_TYPE'), { what: 'it is told of' })
  expect(output()).toContain('Give it https://localhost instead of the address')
  const entry = { type: 'http', url: `${url}/api/mcp/default` }
  await writeFile(
    join(project.folder, '.mcp.json'),
    JSON.stringify({ mcpServers: { sallyport: entry } }),
  )
  const [line] = linesOf((await runDoctor(project)).report, 'client-configuration')
  expect(line).toMatch(
    /^warn: .*UNSUPPORTED_CONSTRAINT_TYPE.* -> pnpm sallyport client claude-code/,
  )
})

row('`certificate signature failure`, or `UNABLE_TO_VERIFY_LEAF_SIGNATURE` again', async () => {
  const project = await createProject()
  const first = await startGateway(project)
  const copy = join(project.folder, 'trusted.pem')
  await copyFile(first.ready.caFile ?? '', copy)
  const trusting = withEnv(project, { NODE_EXTRA_CA_CERTS: copy })
  await first.stop()
  await rm(join(project.folder, 'ca'), { recursive: true })
  const { ready } = await startGateway(project)
  expect(await fetchAs(`${ready.appUrl}/health`, { NODE_EXTRA_CA_CERTS: copy })).toMatch(
    /^fetch failed .*(signature|verify)/i,
  )
  const [line] = linesOf((await runDoctor(trusting)).report, 'trust-variables')
  expect(line).toBe(
    `fail: NODE_EXTRA_CA_CERTS names trusted.pem, which holds an authority of ours that has been replaced. -> ${cure}`,
  )
})

row('`CERTIFICATE_VERIFY_FAILED` at every other https address', async () => {
  const { project, ready } = await shared()
  const { caFile = '', bundleFile = '' } = ready
  // Another site, whose authority is among the roots.
  const site = await issueEdgeCertificate()
  const server = createServer(site, (_, response) => void response.end('ok'))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const roots = join(project.folder, 'roots.pem')
  await writeFile(roots, `${await readFile(bundleFile, 'utf8')}${site.ca}`)
  const url = `https://localhost:${(server.address() as AddressInfo).port}/`
  const visit = (file: string) =>
    run('python3', ['-c', `import urllib.request as u; u.urlopen("${url}")`], {
      SSL_CERT_FILE: file,
    })
  if (hasCommand('python3')) {
    const [whole, alone] = await Promise.all([visit(roots), visit(caFile)])
    expect(whole.output).toBe('')
    expect(alone.output).toContain('CERTIFICATE_VERIFY_FAILED')
  }
  const [alone, whole] = await Promise.all(
    [caFile, bundleFile].map((file) => runDoctor(withEnv(project, { SSL_CERT_FILE: file }))),
  )
  const [line] = linesOf(alone?.report, 'trust-variables')
  expect(line).toMatch(/^fail: SSL_CERT_FILE names .*ca\.pem.* every other https address fails\./)
  expect(line).toContain(cure)
  expect(alone?.code).toBe(1)
  expect(linesOf(whole?.report, 'trust-variables')[0]).toMatch(/^ok: /)
})
