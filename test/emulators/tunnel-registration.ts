import type { Duplex } from 'node:stream'
import {
  buildMessage,
  createMessageReader,
  type StructBuilder,
  type StructReader,
} from './capnp.ts'

/** Cap'n Proto RPC: what a message is, by the tag of its union. */
const messageKind = { call: 2, return: 3, bootstrap: 8 } as const
/** The interface with which cloudflared registers, and its methods. */
const registrationInterface = 0xf71695ec7fe85497n
const method = { register: 0, unregister: 1, updateConfiguration: 2 } as const

/** What cloudflared says to become the origin of a tunnel. */
export interface Registration {
  readonly accountTag: string
  /** Base64. */
  readonly secret: string
  /** Hexadecimal, without hyphens. */
  readonly tunnelId: string
}

export type RegistrationAnswer =
  | { readonly ok: true; readonly connectionId: string; readonly isRemote: boolean }
  | { readonly ok: false; readonly error: string; readonly retry: boolean }

/** The edge's side of the control stream. */
export function serveRegistration(
  stream: Duplex,
  on: { register(registration: Registration): RegistrationAnswer; unregister(): void },
): void {
  const answer = (id: number, fill: (payload: StructBuilder) => void) =>
    stream.write(returnMessage(id, fill))

  function onMessage(message: StructReader): void {
    const body = message.struct(0)
    const id = body.uint32(0)
    if (message.uint16(0) === messageKind.bootstrap) {
      return void answer(id, (payload) => payload.capability(0, 0).structList(1, 1).uint16(0, 1))
    }
    const isCall = message.uint16(0) === messageKind.call
    // Whatever else there is needs no answer.
    if (!isCall || body.uint64(8) !== registrationInterface) return
    const called = body.uint16(4)
    if (called === method.register) {
      const outcome = on.register(readRegistration(body.struct(1).struct(0)))
      answer(id, (payload) => writeOutcome(payload, outcome))
    } else {
      answer(id, (payload) => payload.struct(0, { data: 0, pointers: 0 }))
      if (called === method.unregister) on.unregister()
    }
  }
  stream.on('data', createMessageReader(onMessage))
}

/** cloudflared's side, as the stand-in speaks it. Resolves with the edge's answer. */
export function registerTunnel(
  stream: Duplex,
  registration: Registration,
): Promise<{ ok: true } | { ok: false; error: string; retry: boolean }> {
  return new Promise((resolve, reject) => {
    stream.on(
      'data',
      createMessageReader((message) => {
        const body = message.struct(0)
        if (message.uint16(0) !== messageKind.return || body.uint32(0) !== 1) return
        const response = body.struct(0).struct(0).struct(0)
        const details = response.struct(0)
        if (response.uint16(0) === 1) resolve({ ok: true })
        else resolve({ ok: false, error: details.text(0), retry: details.uint16(8) === 1 })
      }),
    )
    stream.once('close', () => reject(new Error('connection with edge closed')))
    stream.write(
      buildMessage({ data: 1, pointers: 1 }, (message) => {
        message.uint16(0, messageKind.bootstrap).struct(0, { data: 1, pointers: 1 }).uint32(0, 0)
      }),
    )
    stream.write(callMessage(registration))
  })
}

function callMessage({ accountTag, secret, tunnelId }: Registration): Buffer {
  return buildMessage({ data: 1, pointers: 1 }, (message) => {
    const call = message
      .uint16(0, messageKind.call)
      .struct(0, { data: 3, pointers: 3 })
      .uint32(0, 1)
      .uint16(4, method.register)
      .uint64(8, registrationInterface)
    const parameters = call.struct(1, { data: 0, pointers: 2 }).struct(0, { data: 1, pointers: 3 })
    parameters
      .struct(0, { data: 0, pointers: 2 })
      .text(0, accountTag)
      .bytes(1, Buffer.from(secret, 'base64'))
    parameters.bytes(1, Buffer.from(tunnelId, 'hex'))
    parameters.struct(2, { data: 1, pointers: 1 })
  })
}

function readRegistration(parameters: StructReader): Registration {
  const auth = parameters.struct(0)
  return {
    accountTag: auth.text(0),
    secret: auth.bytes(1).toString('base64'),
    tunnelId: parameters.bytes(1).toString('hex'),
  }
}

function returnMessage(id: number, fill: (payload: StructBuilder) => void): Buffer {
  return buildMessage({ data: 1, pointers: 1 }, (message) => {
    const answer = message.uint16(0, messageKind.return).struct(0, { data: 2, pointers: 1 })
    fill(answer.uint32(0, id).struct(0, { data: 0, pointers: 2 }))
  })
}

function writeOutcome(payload: StructBuilder, outcome: RegistrationAnswer): void {
  const response = payload.struct(0, { data: 0, pointers: 1 }).struct(0, { data: 1, pointers: 1 })
  if (!outcome.ok) {
    const error = response.uint16(0, 0).struct(0, { data: 2, pointers: 1 })
    error.text(0, outcome.error).uint16(8, outcome.retry ? 1 : 0)
    return
  }
  const details = response.uint16(0, 1).struct(0, { data: 1, pointers: 2 })
  details.uint16(0, outcome.isRemote ? 1 : 0)
  details.bytes(0, Buffer.from(outcome.connectionId.replaceAll('-', ''), 'hex'))
  details.text(1, 'loop01')
}
