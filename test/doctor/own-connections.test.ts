import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { examine } from '../../src/doctor/examine.ts'
import { issue } from '../tls/upstream/lab.ts'
import {
  createProject,
  everyProgram,
  linesOf,
  type Project,
  startGateway,
} from './doctor-process.ts'

// What we connect ourselves, to prove an address or to look at it, is no client that refuses us.

const words = 'CLIENT_REFUSED_CERTIFICATE'

/** The doctor with time enough: one that gives a connection up looks like a client that refuses. */
const look = ({ folder, env }: Project) => examine({ projectDir: folder, env, patience: 10 })

it('is told of as no refusal while every program is asked whom it trusts', async () => {
  const project = await createProject(everyProgram)
  const { output } = await startGateway(project)
  const report = await look(project)
  expect(linesOf(report, 'trust').join()).toContain('refuse')
  expect(output()).not.toContain(words)
})

it('is told of as no refusal of a certificate that nobody knows, made for another name', async () => {
  const project = await createProject()
  const root = await issue({ name: 'Corp Root' })
  const leaf = await issue({ name: 'box', issuer: root, ca: false, names: ['mybox.example'] })
  const [SSL_CERT_PATH, SSL_KEY_PATH] = ['c.pem', 'k.pem'].map((one) => join(project.folder, one))
  await writeFile(SSL_CERT_PATH ?? '', leaf.pem)
  await writeFile(SSL_KEY_PATH ?? '', leaf.keyPem)
  const own = { ...project, env: { ...project.env, SSL_CERT_PATH, SSL_KEY_PATH } }
  const { output } = await startGateway(own)
  const report = await look(own)
  expect(linesOf(report, 'certificate').join()).toMatch(/localhost.*SSL_CA_PATH/)
  expect(linesOf(report, 'gateway').join()).toMatch(/^ok: /)
  expect(output()).not.toContain(words)
})
