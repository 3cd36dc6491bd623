import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { ask } from '../../src/doctor/find-gateway.ts'
import { settlesWithin } from '../../src/lib/clock.ts'
import { createHttpSender } from '../../src/lib/http-sender.ts'

it('does not hang up on a gateway that is slow, which would take it for one who refuses', async () => {
  const slow = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void slow.close())
  await once(slow, 'listening')
  const sender = createHttpSender()
  onTestFinished(() => sender.close())
  const greeted = new Promise<Socket>((resolve) => {
    slow.once('connection', (socket) => socket.once('data', () => resolve(socket)))
  })
  const url = `https://127.0.0.1:${(slow.address() as AddressInfo).port}/`
  const asked = ask(sender, url, { timeoutMs: 100 })
  const socket = await greeted
  expect(await asked).toEqual({ ok: false, code: 'ETIMEDOUT', reason: 'no answer within 0.1 s' })
  const gone = once(
    socket.on('error', () => {}),
    'close',
  )
  expect(await settlesWithin(gone, 300)).toBe(false)
  await sender.close()
  await gone
})
