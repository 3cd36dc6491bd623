/** A block between `-----BEGIN label-----` and its end. Lines are counted from 1. */
interface PemBlock {
  readonly label: string
  readonly line: number
  /** Undefined for private keys, which are not even decoded. */
  readonly der: Uint8Array | undefined
}

/** A place where the text stops being PEM; `message` is a sentence without the content. */
interface PemFault {
  readonly line: number
  readonly message: string
}

const boundary = /^-----(BEGIN|END) ([^-]+)-----$/
const base64Line = /^[A-Za-z0-9+/]*={0,2}$/

/**
 * The blocks of a PEM text (RFC 7468), in its order; text outside of them is skipped. A block that
 * cannot be read is a fault that names its line, and reading goes on behind it.
 */
export function readPemBlocks(text: string): (PemBlock | PemFault)[] {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim())
  const found: (PemBlock | PemFault)[] = []
  let open: { label: string; line: number } | undefined
  for (const [index, content] of lines.entries()) {
    const line = index + 1
    const [, kind, label = ''] = boundary.exec(content) ?? []
    if (kind === 'BEGIN') {
      if (open) found.push(unended(open, `another block begins in line ${line}`))
      open = { label, line }
    } else if (kind === 'END') {
      found.push(open ? closeBlock(open, { label, line, lines }) : unopened(label, line))
      open = undefined
    } else if (!open && content.includes('-----BEGIN ')) {
      found.push(brokenBoundary(content, line))
    }
  }
  if (open) found.push(unended(open, 'the file is cut off'))
  return found
}

export function isPrivateKeyLabel(label: string): boolean {
  return label.includes('PRIVATE KEY')
}

function closeBlock(
  open: { label: string; line: number },
  end: { label: string; line: number; lines: readonly string[] },
): PemBlock | PemFault {
  if (isPrivateKeyLabel(open.label)) return { ...open, der: undefined }
  if (end.label !== open.label) {
    return {
      line: end.line,
      message: `Line ${end.line} ends another kind of block than line ${open.line} begins.`,
    }
  }
  const body = end.lines.slice(open.line, end.line - 1)
  const wrong = body.findIndex((line) => !base64Line.test(line))
  if (wrong >= 0) {
    const line = open.line + 1 + wrong
    return { line, message: `Line ${line} is not base64.` }
  }
  const base64 = body.join('')
  // Padding may only be missing as a whole; anything else has lost characters.
  if (base64.length % 4 !== 0 || /=./.test(base64.replace(/==?$/, ''))) {
    const line = end.line - 1
    return { line, message: `The base64 is cut off in or before line ${line}.` }
  }
  return { ...open, der: Buffer.from(base64, 'base64') }
}

// A block that lost its end may still be a key, and is refused as one.
function unended(open: { label: string; line: number }, why: string): PemBlock | PemFault {
  if (isPrivateKeyLabel(open.label)) return { ...open, der: undefined }
  return {
    line: open.line,
    message: `The block that begins in line ${open.line} has no end: ${why}.`,
  }
}

function unopened(label: string, line: number): PemBlock | PemFault {
  if (isPrivateKeyLabel(label)) return { label, line, der: undefined }
  return { line, message: `Line ${line} ends a block that never began.` }
}

function brokenBoundary(content: string, line: number): PemBlock | PemFault {
  if (isPrivateKeyLabel(content)) return { label: 'PRIVATE KEY', line, der: undefined }
  return {
    line,
    message: `Line ${line} holds more than the beginning of a block: the line breaks were lost.`,
  }
}
