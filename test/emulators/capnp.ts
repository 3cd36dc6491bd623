/**
 * As much of Cap'n Proto as cloudflared's registration needs. A message is a list of segments of
 * 8-byte words; a struct has a data part and a part of pointers to other structs and lists.
 */

/** Field positions are in bytes for data and in words for pointers, as the encoding has them. */
export interface StructReader {
  uint16(byte: number): number
  uint32(byte: number): number
  uint64(byte: number): bigint
  struct(pointer: number): StructReader
  bytes(pointer: number): Buffer
  text(pointer: number): string
}

interface Place {
  readonly segment: Buffer
  /** Word the data begins at. */
  readonly at: number
  readonly dataWords: number
  readonly pointers: number
  /** For lists: the number of elements. */
  readonly count: number
}

const nowhere: Place = { segment: Buffer.alloc(0), at: 0, dataWords: 0, pointers: 0, count: 0 }

/** Cuts whole messages out of what has arrived so far. */
export function createMessageReader(onMessage: (root: StructReader) => void) {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    for (let length = messageLength(rest); length !== undefined; length = messageLength(rest)) {
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      onMessage(readStruct(follow(segmentsOf(message), { segment: 0, word: 0 })))
    }
  }

  function readStruct({ place, segments, index }: Followed): StructReader {
    const has = (byte: number, size: number) => byte + size <= place.dataWords * 8
    const pointer = (number: number) =>
      number < place.pointers
        ? follow(segments, { segment: index, word: place.at + place.dataWords + number })
        : { place: nowhere, segments, index }
    return {
      uint16: (byte) => (has(byte, 2) ? place.segment.readUInt16LE(place.at * 8 + byte) : 0),
      uint32: (byte) => (has(byte, 4) ? place.segment.readUInt32LE(place.at * 8 + byte) : 0),
      uint64: (byte) => (has(byte, 8) ? place.segment.readBigUInt64LE(place.at * 8 + byte) : 0n),
      struct: (number) => readStruct(pointer(number)),
      bytes(number) {
        const { segment, at, count } = pointer(number).place
        return segment.subarray(at * 8, at * 8 + count)
      },
      text(number) {
        return this.bytes(number).toString().replace(/\0$/, '')
      },
    }
  }
}

interface Followed {
  readonly place: Place
  readonly segments: readonly Buffer[]
  readonly index: number
}

function follow(
  segments: readonly Buffer[],
  { segment: index, word }: { segment: number; word: number },
): Followed {
  const segment = segments[index] ?? Buffer.alloc(8)
  const low = segment.readUInt32LE(word * 8)
  const high = segment.readUInt32LE(word * 8 + 4)
  // Kind 2 points to a pointer in another segment.
  if ((low & 3) === 2) return follow(segments, { segment: high, word: low >>> 3 })
  if (low === 0 && high === 0) return { place: nowhere, segments, index }
  const at = word + 1 + (low >> 2)
  const isStruct = (low & 3) === 0
  const place = isStruct
    ? { segment, at, dataWords: high & 0xffff, pointers: high >>> 16, count: 0 }
    : { segment, at, dataWords: 0, pointers: 0, count: high >>> 3 }
  return { place, segments, index }
}

/** The stream begins with the number of segments less one, then the length of each in words. */
function headerOf(buffer: Buffer): { length: number; words: number[] } | undefined {
  if (buffer.length < 8) return undefined
  const count = buffer.readUInt32LE(0) + 1
  const length = Math.ceil((4 + 4 * count) / 8) * 8
  if (buffer.length < length) return undefined
  const words = Array.from({ length: count }, (_, index) => buffer.readUInt32LE(4 + 4 * index))
  return { length, words }
}

function messageLength(buffer: Buffer): number | undefined {
  const header = headerOf(buffer)
  if (!header) return undefined
  const length = header.words.reduce((sum, words) => sum + words * 8, header.length)
  return buffer.length < length ? undefined : length
}

function segmentsOf(message: Buffer): Buffer[] {
  const header = headerOf(message)
  let start = header?.length ?? 0
  return (header?.words ?? []).map((words) => {
    const segment = message.subarray(start, start + words * 8)
    start += words * 8
    return segment
  })
}

export interface StructBuilder {
  uint16(byte: number, value: number): StructBuilder
  uint32(byte: number, value: number): StructBuilder
  uint64(byte: number, value: bigint): StructBuilder
  /** Adds a struct at a pointer and returns it. */
  struct(pointer: number, size: { data: number; pointers: number }): StructBuilder
  bytes(pointer: number, value: Buffer): StructBuilder
  text(pointer: number, value: string): StructBuilder
  /** Points at an entry of the message's table of capabilities. */
  capability(pointer: number, index: number): StructBuilder
  /** Adds a list of `count` structs of one data word and one pointer; fills the first. */
  structList(pointer: number, count: number): StructBuilder
}

/** Builds a message of one segment around a root struct. */
export function buildMessage(
  size: { data: number; pointers: number },
  fill: (root: StructBuilder) => void,
): Buffer {
  const words = Buffer.alloc(8 * 512)
  let used = 1
  const take = (count: number): number => {
    used += count
    return used - count
  }
  function point(from: number, to: number, { kind, high }: { kind: number; high: number }): void {
    words.writeInt32LE(((to - from - 1) << 2) | kind, from * 8)
    words.writeUInt32LE(high, from * 8 + 4)
  }
  function addStruct(from: number, { data, pointers }: { data: number; pointers: number }) {
    const at = take(data + pointers)
    point(from, at, { kind: 0, high: (pointers << 16) | data })
    return structAt(at, data)
  }
  function structAt(at: number, data: number): StructBuilder {
    const builder: StructBuilder = {
      uint16(byte, value) {
        words.writeUInt16LE(value, at * 8 + byte)
        return builder
      },
      uint32(byte, value) {
        words.writeUInt32LE(value, at * 8 + byte)
        return builder
      },
      uint64(byte, value) {
        words.writeBigUInt64LE(value, at * 8 + byte)
        return builder
      },
      struct: (pointer, inner) => addStruct(at + data + pointer, inner),
      bytes(pointer, value) {
        const start = take(Math.ceil(value.length / 8))
        value.copy(words, start * 8)
        point(at + data + pointer, start, { kind: 1, high: (value.length << 3) | 2 })
        return builder
      },
      text: (pointer, value) => builder.bytes(pointer, Buffer.from(`${value}\0`)),
      capability(pointer, index) {
        words.writeUInt32LE(3, (at + data + pointer) * 8)
        words.writeUInt32LE(index, (at + data + pointer) * 8 + 4)
        return builder
      },
      structList(pointer, count) {
        // A list of structs begins with a tag that looks like the pointer to one of them.
        const tag = take(1 + 2 * count)
        point(at + data + pointer, tag, { kind: 1, high: ((2 * count) << 3) | 7 })
        words.writeUInt32LE(count << 2, tag * 8)
        words.writeUInt32LE((1 << 16) | 1, tag * 8 + 4)
        return structAt(tag + 1, 1)
      },
    }
    return builder
  }
  fill(addStruct(0, size))
  const header = Buffer.alloc(8)
  header.writeUInt32LE(used, 4)
  return Buffer.concat([header, words.subarray(0, used * 8)])
}
