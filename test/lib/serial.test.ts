import { expect, it } from 'vitest'
import { createSerial } from '../../src/lib/serial.ts'

it('starts a job when the one before is over, and answers each with its own result', async () => {
  const serial = createSerial()
  const gate = Promise.withResolvers<string>()
  const started: string[] = []
  const first = serial(() => {
    started.push('first')
    return gate.promise
  })
  const second = serial(() => started.push('second'))
  await Promise.resolve()
  expect(started).toEqual(['first'])
  gate.resolve('done')
  expect(await Promise.all([first, second])).toEqual(['done', 2])
})

it('goes on after a job that failed', async () => {
  const serial = createSerial()
  const failed = serial(() => Promise.reject(new Error('full disk')))
  const thrown = serial(() => {
    throw new Error('a slip')
  })
  const next = serial(() => 'next')
  await expect(failed).rejects.toThrow('full disk')
  await expect(thrown).rejects.toThrow('a slip')
  expect(await next).toBe('next')
})
