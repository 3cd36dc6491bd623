import { createSocket } from 'node:dgram'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HttpSender } from '../../../src/lib/http-sender.ts'
import { standardSources } from '../../../src/tunnels/resolve-host.ts'
import { createFakeSender } from './fake-sender.ts'

const noSender = createFakeSender(() => Promise.reject(new Error('nobody asked')))
const dnsOverHttps = (sender: HttpSender) => {
  const [source] = standardSources(sender, []).open
  if (!source) throw new Error('there is none')
  return source
}

describe('DNS over HTTPS', () => {
  const answering = (answer: (type: string | null) => object) =>
    dnsOverHttps(
      createFakeSender((url) => ({
        body: [JSON.stringify(answer(url.searchParams.get('type')))],
      })),
    )

  it('gives both families, IPv4 first, past aliases', async () => {
    const source = answering((type) => ({
      Status: 0,
      Answer: [
        { type: 5, data: 'alias.example' },
        type === 'A' ? { type: 1, data: '192.0.2.1' } : { type: 28, data: '2001:db8::1' },
      ],
    }))
    expect(await source('x.example')).toEqual({
      kind: 'found',
      addresses: [
        { address: '192.0.2.1', family: 4 },
        { address: '2001:db8::1', family: 6 },
      ],
    })
  })

  it.each<[string, object, string]>([
    ['NXDOMAIN', { Status: 3 }, 'absent'],
    ['no record of either family', { Status: 0 }, 'absent'],
    ['a server failure', { Status: 2 }, 'silent'],
  ])('makes %s %s', async (_, answer, kind) => {
    expect(await answering(() => answer)('x.example')).toEqual({ kind })
  })

  it('is silent when it cannot be reached, or answers something else', async () => {
    const refused = createFakeSender(() => Promise.reject(new Error('connect ECONNREFUSED')))
    const page = createFakeSender(() => ({ body: ['<h1>Sign in to this network</h1>'] }))
    expect(await dnsOverHttps(refused)('x.example')).toEqual({ kind: 'silent' })
    expect(await dnsOverHttps(page)('x.example')).toEqual({ kind: 'silent' })
  })
})

describe('a public resolver', () => {
  /** A name server that answers every question with one response code and nothing else. */
  async function nameServer(responseCode: number) {
    const socket = createSocket('udp4')
    socket.on('message', (question, { port, address }) => {
      const answer = Buffer.from(question)
      answer[2] = 0x81
      answer[3] = 0x80 | responseCode
      socket.send(answer, port, address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => void socket.close())
    return `127.0.0.1:${socket.address().port}`
  }

  it.each([
    [3, 'absent'],
    [2, 'silent'],
  ])('with response code %d is %s', async (responseCode, kind) => {
    const [source] = standardSources(noSender, [await nameServer(responseCode)]).open
    expect(await source?.('x.example')).toEqual({ kind })
  })
})

it('the system knows its own name', async () => {
  expect(await standardSources(noSender).system('localhost')).toMatchObject({ kind: 'found' })
})
