import { Duplex } from 'node:stream'

/**
 * The muxado protocol, which ngrok's agent speaks inside TLS: frames of an 8-byte header (length
 * u24, type u4, flags u4, stream u32) and a body.
 */
const frameType = { reset: 0, data: 1, windowIncrement: 2, goAway: 3 } as const
const flag = { fin: 1, syn: 2 } as const
const windowSize = 256 * 1024
const maxFrame = 32 * 1024
const cancelled = 6

export interface MuxadoSession {
  /** Opens a stream to the agent. */
  open(): MuxadoStream
  /** Says that the session ends, which makes the agent open a new one. */
  goAway(): void
}

/** Serves muxado on a connection; `onStream` gets each stream the agent opens. */
export function serveMuxado(
  connection: Duplex,
  onStream: (stream: MuxadoStream) => void,
): MuxadoSession {
  const streams = new Map<number, MuxadoStream>()
  let nextId = 2
  let rest: Buffer = Buffer.alloc(0)

  const link: FrameLink = {
    send(type, { flags = 0, id = 0, body = Buffer.alloc(0) }, done = () => {}) {
      if (connection.destroyed || connection.writableEnded) return done()
      const header = Buffer.alloc(8)
      header.writeUIntBE(body.length, 0, 3)
      header.writeUInt8((type << 4) | flags, 3)
      header.writeUInt32BE(id, 4)
      connection.write(Buffer.concat([header, body]), () => done())
    },
    forget: (id) => streams.delete(id),
  }

  function addStream(id: number, opensWithSyn: boolean): MuxadoStream {
    const stream = new MuxadoStream(link, { id, opensWithSyn })
    // A stream that is reset ends whoever reads it; nobody else needs the error.
    stream.on('error', () => {})
    streams.set(id, stream)
    return stream
  }

  function onFrame(header: Buffer, body: Buffer): void {
    const type = header.readUInt8(3) >> 4
    const flags = header.readUInt8(3) & 0xf
    const id = header.readUInt32BE(4)
    if (type === frameType.goAway) return void connection.destroy()
    if (flags & flag.syn) onStream(addStream(id, false))
    const stream = streams.get(id)
    if (type === frameType.data) stream?.receive(body, (flags & flag.fin) !== 0)
    if (type === frameType.windowIncrement) stream?.widen(body.readUInt32BE(0))
    if (type === frameType.reset) stream?.resetByPeer()
  }

  connection.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 8) {
      const end = 8 + rest.readUIntBE(0, 3)
      if (rest.length < end) return
      const frame = rest.subarray(0, end)
      rest = rest.subarray(end)
      onFrame(frame.subarray(0, 8), frame.subarray(8))
    }
  })
  connection.once('close', () => {
    for (const stream of [...streams.values()]) stream.resetByPeer()
  })
  return {
    open() {
      const stream = addStream(nextId, true)
      nextId += 2
      return stream
    },
    goAway: () => link.send(frameType.goAway, { body: Buffer.alloc(8) }),
  }
}

interface FrameLink {
  send(type: number, frame: { flags?: number; id?: number; body?: Buffer }, done?: () => void): void
  forget(id: number): void
}

/** One stream of a session, with the window of 256 KiB each side grants the other. */
export class MuxadoStream extends Duplex {
  readonly #link: FrameLink
  readonly #id: number
  #mustSyn: boolean
  #window = windowSize
  #unread = 0
  #waiting: (() => void) | undefined
  #ends = { in: false, out: false }

  constructor(link: FrameLink, options: { id: number; opensWithSyn: boolean }) {
    super({ allowHalfOpen: true })
    this.#link = link
    this.#id = options.id
    this.#mustSyn = options.opensWithSyn
  }

  receive(body: Buffer, isLast: boolean): void {
    if (body.length > 0) {
      this.#unread += body.length
      if (this.push(body)) this.#grantWindow()
    }
    if (!isLast) return
    this.push(null)
    this.#end('in')
  }

  widen(bytes: number): void {
    this.#window += bytes
    const resume = this.#waiting
    this.#waiting = undefined
    resume?.()
  }

  resetByPeer(): void {
    this.#ends = { in: true, out: true }
    this.#link.forget(this.#id)
    this.destroy(new Error('the agent reset the stream'))
  }

  override _read(): void {
    this.#grantWindow()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    const size = Math.min(chunk.length, this.#window, maxFrame)
    if (size === 0) {
      this.#waiting = () => this._write(chunk, encoding, done)
      return
    }
    this.#window -= size
    const sent = () => {
      if (size < chunk.length) this._write(chunk.subarray(size), encoding, done)
      else done()
    }
    const frame = { flags: this.#synOnce(), id: this.#id, body: chunk.subarray(0, size) }
    this.#link.send(frameType.data, frame, sent)
  }

  override _final(done: () => void): void {
    const flags = flag.fin | this.#synOnce()
    this.#link.send(frameType.data, { flags, id: this.#id }, done)
    this.#end('out')
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!(this.#ends.in && this.#ends.out)) {
      this.#link.send(frameType.reset, { id: this.#id, body: uint32(cancelled) })
      this.#link.forget(this.#id)
    }
    done(error)
  }

  /** An HTTP request asks these of the socket it is given. */
  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  #synOnce(): number {
    const flags = this.#mustSyn ? flag.syn : 0
    this.#mustSyn = false
    return flags
  }

  #grantWindow(): void {
    if (this.#unread === 0) return
    const body = uint32(this.#unread)
    this.#unread = 0
    this.#link.send(frameType.windowIncrement, { id: this.#id, body })
  }

  #end(side: 'in' | 'out'): void {
    this.#ends[side] = true
    if (this.#ends.in && this.#ends.out) this.#link.forget(this.#id)
  }
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}
