import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { sallyport } from '../cli/command.ts'
import { until } from '../cli/helpers.ts'
import {
  createProject,
  linesOf,
  type Project,
  runDoctor,
  startGateway,
} from '../doctor/doctor-process.ts'
import { connectClient } from '../fixtures/any-client.ts'
import { startHttpsFront } from '../fixtures/https-front.ts'
import { startServer } from '../fixtures/start-server.ts'
import { issueChain } from '../tls/upstream/lab.ts'
import { row } from './row.ts'

/** A gateway process in front of a real MCP server that shows this certificate. */
async function startCompany({ cert, key }: { cert: string; key: string }) {
  const plain = await startServer('modern-http')
  onTestFinished(() => plain.close())
  const front = await startHttpsFront(plain.url, { cert, key })
  onTestFinished(() => front.close())
  // Without https of its own there is no trust of local programs for the doctor to look into.
  const project = await createProject({ TUNNEL: 'none' })
  await nameServer(project, front.url)
  const origin = `http://127.0.0.1:${project.env.PORT}`
  await startGateway(project)
  return { project, url: front.url, ...talkTo(project, origin) }
}

function nameServer({ folder }: Project, url: string): Promise<void> {
  const file = JSON.stringify({ mcpServers: { corp: { url } } })
  return writeFile(join(folder, 'config/gateway.json'), file)
}

function talkTo(project: Project, origin: string) {
  const ca = (...args: string[]) =>
    sallyport(['ca', ...args], { cwd: project.folder, env: project.env })
  const server = async () => {
    const answer = await fetch(`${origin}/api/profiles`)
    const { profiles } = (await answer.json()) as { profiles: { servers: ServerState[] }[] }
    return profiles[0]?.servers[0]
  }
  return {
    /** Adds certificates as somebody would who has them in a file. */
    async add(content: string, ...flags: string[]) {
      await writeFile(join(project.folder, 'company.pem'), content)
      expect(await ca('add', 'corp', 'company.pem', ...flags)).toMatchObject({ code: 0 })
    },
    /** What the gateway says of the server, once that fits. */
    sees: (about: RegExp) =>
      until(
        async () => {
          const { state, error = '' } = (await server()) ?? {}
          const said = `${state} ${error}`
          return about.test(said) ? said : undefined
        },
        { what: String(about) },
      ),
    /** What `ca test` says, on one line. */
    async test() {
      const { code, out } = await ca('test', 'corp')
      return `${code} ${out.replaceAll(/\s+/g, ' ')}`
    },
    doctor: async () => linesOf((await runDoctor(project)).report, 'upstream-trust').join('\n'),
    async callEcho() {
      const client = await connectClient('v2 legacy', `${origin}/api/mcp/default`)
      try {
        return await client.call('echo', { text: 'hi' })
      } finally {
        await client.close()
      }
    },
  }
}

interface ServerState {
  readonly state: string
  readonly error?: string
}

row('`is not trusted here`, though a root was added for the server', async () => {
  const { root, intermediate, leaf } = await issueChain()
  const other = await issueChain()
  const cert = leaf.pem + intermediate.pem + root.pem
  const company = await startCompany({ cert, key: leaf.keyPem })
  await company.add(root.pem)
  await company.sees(/^up/)
  await company.add(other.intermediate.pem, '--replace')
  await company.sees(/^failed .*is not trusted here.*`pnpm sallyport ca test corp`/)
  await expect(company.callEcho()).rejects.toMatchObject({
    message: expect.stringContaining('`pnpm sallyport ca add corp <file>` trusts the authority'),
  })
  const [said, doctor] = await Promise.all([company.test(), company.doctor()])
  expect(said).toMatch(
    /^1 .*ends in the root CN=Lab Root .*The bundle holds CN=Lab Issuing CA, which did not/,
  )
  expect(said).toContain('pnpm sallyport ca add corp <file>')
  expect(doctor).toMatch(/^fail: Server "corp" .* -> pnpm sallyport ca add corp <f/)
  await company.add(root.pem)
  await company.sees(/^up/)
  expect(await company.callEcho()).toMatchObject({ content: [{ text: 'hi' }] })
})

row('`leaves out a part of its chain`, though its root was added', async () => {
  const { root, intermediate, leaf } = await issueChain()
  const company = await startCompany({ cert: leaf.pem, key: leaf.keyPem })
  await company.add(root.pem)
  await company.sees(/^failed .*leaves out a part of its chain.*`pnpm sallyport ca test corp`/)
  const [said, doctor] = await Promise.all([company.test(), company.doctor()])
  expect(said).toMatch(/^1 .*sends only its own certificate, and CN=Lab Issuing CA/)
  expect(said).toContain('If it is an intermediate, the server should send it as well')
  expect(doctor).toMatch(
    /^fail: Server "corp" .*sends only its own certificate.* -> pnpm sallyport ca add corp <file>$/,
  )
  await company.add(intermediate.pem)
  await company.sees(/^up/)
  expect(await company.test()).toMatch(/^0 .*It verifies\./)
})

row('`shows a certificate that is not for this name`', async () => {
  const { root, intermediate, leaf } = await issueChain(['localhost'])
  const cert = leaf.pem + intermediate.pem
  const company = await startCompany({ cert, key: leaf.keyPem })
  await company.add(root.pem)
  await company.sees(/^failed .*is not for this name.*Use one of the names of the certificate/)
  const [said, doctor] = await Promise.all([company.test(), company.doctor()])
  expect(said).toMatch(
    /^1 .*is made for localhost, not for 127\.0\.0\.1\. Use one of the names of the certificate in the "url"/,
  )
  expect(doctor).toMatch(
    /^fail: Server "corp" .*is made for localhost, .* -> Use one of the names of the certificate in the "url"/,
  )
  await nameServer(company.project, company.url.replace('127.0.0.1', 'localhost'))
  await company.sees(/^up/)
  expect(await company.doctor()).toBe('ok: Server "corp" shows a certificate that verifies.')
})
