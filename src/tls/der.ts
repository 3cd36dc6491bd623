/** One element of DER (X.690): its tag byte and what it contains. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
}

/** Encodes one element around the parts of its content, each under 64 KiB. */
export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.from([tag, ...encodeLength(content.length)]), content])
}

/** Decodes the elements that stand side by side in `bytes`. Throws RangeError when one is cut off. */
export function decodeDer(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = []
  let offset = 0
  while (offset < bytes.length) {
    const tag = bytes[offset] ?? 0
    const { start, length } = decodeLength(bytes, offset + 1)
    if (start + length > bytes.length) throw new RangeError('DER element is cut off')
    elements.push({ tag, content: bytes.subarray(start, start + length) })
    offset = start + length
  }
  return elements
}

/**
 * How many bytes the first element of `bytes` says it has, header included. May be more than there
 * are. The indefinite lengths of BER, which DER forbids, count as longer than anything.
 */
export function derElementLength(bytes: Uint8Array): number {
  if (bytes.length < 2 || bytes[1] === 0x80) return Number.POSITIVE_INFINITY
  const { start, length } = decodeLength(bytes, 1)
  return start + length
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

function decodeLength(bytes: Uint8Array, offset: number): { start: number; length: number } {
  const first = bytes[offset] ?? 0
  if (first < 0x80) return { start: offset + 1, length: first }
  const start = offset + 1 + (first & 0x7f)
  const length = bytes.subarray(offset + 1, start).reduce((sum, byte) => sum * 0x100 + byte, 0)
  return { start, length }
}
