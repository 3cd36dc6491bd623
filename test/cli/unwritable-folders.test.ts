import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createProject, linesOf, runDoctor } from '../doctor/doctor-process.ts'
import { sallyport } from './command.ts'

vi.setConfig({ testTimeout: 60_000 })

// A folder below a file can be made by nobody, not even by root.
async function projectBelowAFile(setting: string) {
  const { folder, env } = await createProject()
  await writeFile(join(folder, 'file'), '')
  const place = join(folder, 'file', 'deep')
  return { folder, place, env: { ...env, [setting]: place } }
}

describe('a folder of state that cannot be made', () => {
  it.each([
    ['dev', '--no-keys'],
    ['keys', 'list'],
    ['ca', 'list'],
  ])('is told as such by %s %s, with what to do', async (...args) => {
    const { folder, place, env } = await projectBelowAFile('SALLYPORT_HOME')
    const { code, err } = await sallyport(args, { cwd: folder, env })
    const text = err.replaceAll(/\s+/g, ' ')
    expect(text).toContain(`The folder of state ${place} cannot be written: ENOTDIR`)
    expect(text).toContain('name another folder in SALLYPORT_HOME. HOME_UNWRITABLE')
    expect(text).not.toContain('bug')
    expect(code).toBe(1)
  })

  it.skipIf(!existsSync('/proc/self'))('ends also where a parent denies it (Linux)', async () => {
    const { folder, env } = await createProject({ SALLYPORT_HOME: '/proc/nope' })
    const { code, err } = await sallyport(['keys', 'list'], { cwd: folder, env })
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('HOME_UNWRITABLE') })
  })

  it('is found by the doctor', async () => {
    const project = await projectBelowAFile('SALLYPORT_HOME')
    const { code, report } = await runDoctor(project)
    expect(linesOf(report, 'file-modes')).toEqual([
      'fail: file/deep cannot be written by your user, so nothing can start. -> Make it writable, or name another folder in SALLYPORT_HOME.',
    ])
    expect(code).toBe(1)
  })
})

it('an authority that cannot be made is told by the start and by the doctor', async () => {
  const project = await projectBelowAFile('SALLYPORT_CA_ROOT')
  const { folder, place, env } = project
  const { code, err } = await sallyport(['certs', 'renew'], { cwd: folder, env })
  const text = err.replaceAll(/\s+/g, ' ')
  expect(text).toContain(`No certificate authority can be made in ${place}: ENOTDIR`)
  expect(text).toContain('name another one in SALLYPORT_CA_ROOT. CA_UNUSABLE')
  expect(text).not.toContain('backup')
  expect(code).toBe(1)
  expect(linesOf((await runDoctor(project)).report, 'file-modes')).toEqual([
    'fail: file/deep cannot be written by your user, so nothing can start. -> Make it writable, or name another folder in SALLYPORT_CA_ROOT.',
  ])
})
