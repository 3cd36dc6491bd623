import { X509Certificate } from 'node:crypto'
import { derElementLength } from '../der.ts'

/** A file as it was uploaded or read. */
export interface UploadedFile {
  /** Its name without folders, to be shown. */
  readonly name: string
  readonly content: Uint8Array
}

/** `root`, `intermediate`, `client` (what we present) and `duplicate` (kept once) are accepted. */
export type CertificateVerdict =
  | 'root'
  | 'intermediate'
  | 'client'
  | 'duplicate'
  | 'not-a-ca'
  | 'expired'
  | 'not-yet-valid'
  | 'too-weak'
  | 'private-key'
  | 'malformed'
  | 'too-large'
  | 'wrong-type'
  | 'unusable'

/** Largest file that is read, bytes. */
export const maxFileBytes = 10 * 1024 * 1024

const fileTypes = ['.pem', '.crt', '.cer', '.cert']

/** A part of a file: a certificate, or why there is none. `line` is counted from 1, in PEM only. */
export type FilePart =
  | {
      readonly certificate: X509Certificate
      readonly verdict?: undefined
      readonly line: number | undefined
    }
  | RefusedPart

interface RefusedPart {
  readonly certificate: undefined
  readonly verdict: CertificateVerdict
  readonly message: string
  readonly line: number | undefined
}

/** Reads a file as PEM or DER. Its content decides which; its name only says that it may be read. */
export function readCertificateFile({ name, content }: UploadedFile): FilePart[] {
  if (content.length > maxFileBytes) {
    return [refused('too-large', 'The file is larger than 10 MB.')]
  }
  if (content.length === 0) return [refused('malformed', 'The file is empty.')]
  const parts = content[0] === sequenceTag ? readDer(content) : readPem(decodeText(content))
  if (fileTypes.some((type) => name.toLowerCase().endsWith(type))) return parts
  // A key is called a key, whatever its file is called.
  const keys = parts.filter(({ verdict }) => verdict === 'private-key')
  const wrongType = refused('wrong-type', `Only ${fileTypes.join(', ')} files are taken.`)
  return keys.length > 0 ? keys : [wrongType]
}

const sequenceTag = 0x30

function readPem(text: string): FilePart[] {
  const parts = readPemBlocks(text).map((block): FilePart => {
    if ('message' in block) return refused('malformed', block.message, block.line)
    const { label, line, der } = block
    if (der === undefined || isPrivateKeyLabel(label)) return privateKey(line)
    if (label === 'CERTIFICATE' || label === 'X509 CERTIFICATE') return readElement(der, line)
    return refused('malformed', `Line ${line} begins ${nameOfKind(label)}.`, line)
  })
  if (parts.length > 0) return parts
  const isPage = /^\s*<(!doctype|html|\?xml)/i.test(text)
  const what = isPage ? 'a web page, not a certificate' : 'neither PEM nor DER'
  return [refused('malformed', `The file is ${what}: line 1 does not begin a certificate.`, 1)]
}

function nameOfKind(label: string): string {
  if (label.includes('REQUEST')) return 'a request for a certificate, not a certificate'
  if (label.includes('PKCS7') || label === 'CMS') {
    return 'a PKCS #7 container; `openssl pkcs7 -print_certs` takes the certificates out'
  }
  if (label === 'TRUSTED CERTIFICATE') {
    return "a certificate in OpenSSL's own form; `openssl x509` writes it as a plain one"
  }
  return `${JSON.stringify(label.slice(0, 40))}, which is not a certificate`
}

function readDer(content: Uint8Array): FilePart[] {
  const parts: FilePart[] = []
  let rest = content
  while (rest.length > 0) {
    const part = readElement(rest.subarray(0, derElementLength(rest)), undefined)
    parts.push(part)
    // What follows something unreadable has no beginning that could be relied on.
    if (!part.certificate) break
    rest = rest.subarray(derElementLength(rest))
  }
  return parts
}

function readElement(der: Uint8Array, line: number | undefined): FilePart {
  const at = line === undefined ? 'The file' : `The block that begins in line ${line}`
  const length = derElementLength(der)
  if (length > der.length) {
    const missing = `${at} is cut off: it has ${der.length} of ${length} bytes.`
    return holdsKey(der) ? privateKey(line) : refused('malformed', missing, line)
  }
  if (holdsKey(der)) return privateKey(line)
  if (isPkcs7(der)) {
    const hint = 'a PKCS #7 container; `openssl pkcs7 -print_certs` takes the certificates out'
    return refused('malformed', `${at} is ${hint}.`, line)
  }
  if (length < der.length) {
    return refused('malformed', `${at} goes on behind the end of its certificate.`, line)
  }
  try {
    const certificate = new X509Certificate(der)
    // Parsed only when it is asked for, and needed for every verdict.
    void certificate.publicKey
    return { certificate, line }
  } catch {
    // OpenSSL's own words name internal decoders, which help nobody.
    return refused('malformed', `${at} is not an X.509 certificate.`, line)
  }
}

/** PKCS #8, PKCS #1, SEC 1, encrypted PKCS #8 and PKCS #12, told by how their content begins. */
function holdsKey(der: Uint8Array): boolean {
  return /^(02010[013]|30..06(09|0a)2a864886f70d01(05|0c))/.test(beginning(der))
}

function isPkcs7(der: Uint8Array): boolean {
  return beginning(der).startsWith('06092a864886f70d0107')
}

/** The first bytes inside a sequence, as hex. */
function beginning(der: Uint8Array): string {
  const first = der[1] ?? 0
  const start = 2 + (first < 0x80 ? 0 : first & 0x7f)
  return Buffer.from(der.subarray(start, start + 16)).toString('hex')
}

function decodeText(content: Uint8Array): string {
  const [first, second] = content
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(content)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(content)
  // Drops a byte order mark.
  return new TextDecoder('utf-8').decode(content)
}

function privateKey(line: number | undefined): RefusedPart {
  return refused(
    'private-key',
    'This is, or may hold, a private key. It was not kept; nobody but its owner should have it.',
    line,
  )
}

function refused(verdict: CertificateVerdict, message: string, line?: number): RefusedPart {
  return { certificate: undefined, verdict, message, line }
}

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
function readPemBlocks(text: string): (PemBlock | PemFault)[] {
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

function isPrivateKeyLabel(label: string): boolean {
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
