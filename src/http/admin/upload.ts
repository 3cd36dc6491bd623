import type { UploadedFile } from '../../tls/upstream/certificate-file.ts'
import type { BundleUpload } from '../../tls/upstream/upstream-bundles.ts'
import { AdminRefusal } from './guard.ts'

/** Most files of one request; a file of its own for each certificate of a long chain still fits. */
const maxFiles = 20
/** Most of a request's body: four files of the largest size, bytes. */
export const maxBodyBytes = 40 * 1024 * 1024

const fields = ['ca_certificate', 'client_certificate', 'client_key'] as const
type Field = (typeof fields)[number]
type Parts = Readonly<Record<Field, readonly UploadedFile[]>>

/**
 * Reads a body of either media type; what it holds is judged elsewhere.
 * @throws AdminRefusal BAD_UPLOAD or WRONG_MEDIA_TYPE
 */
export async function readBundleUpload(request: Request): Promise<BundleUpload> {
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  return toUpload(await partsOf(request, mediaType))
}

async function partsOf(request: Request, mediaType: string | undefined): Promise<Parts> {
  try {
    if (mediaType === 'multipart/form-data') return await partsOfForm(request)
    if (mediaType === 'application/json') return partsOfJson(await request.json())
  } catch (error) {
    throw error instanceof AdminRefusal ? error : badUpload(`The body is not valid ${mediaType}.`)
  }
  throw new AdminRefusal(415, 'WRONG_MEDIA_TYPE', {
    error: 'The body is of another media type than those that are read.',
    hint: 'Send multipart/form-data or application/json, with the field "ca_certificate".',
  })
}

async function partsOfForm(request: Request): Promise<Parts> {
  const parts = noParts()
  for (const [name, value] of await request.formData()) {
    // A file input that was left empty still sends a file without a name.
    if (value instanceof File ? value.size === 0 && value.name === '' : value === '') continue
    const content =
      typeof value === 'string' ? Buffer.from(value) : new Uint8Array(await value.arrayBuffer())
    const list = parts[knownField(name)]
    list.push({ name: typeof value === 'string' ? nameOf(name, list.length) : value.name, content })
  }
  return parts
}

function partsOfJson(body: unknown): Parts {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badUpload('The body must be a JSON object.')
  }
  const parts = noParts()
  for (const [name, value] of Object.entries(body)) {
    const texts: unknown[] = Array.isArray(value) ? value : [value]
    if (!texts.every((text) => typeof text === 'string')) {
      throw badUpload(`"${name}" must be PEM text, or a list of it.`)
    }
    parts[knownField(name)] = texts.map((text, index) => ({
      name: nameOf(name, index),
      content: Buffer.from(text),
    }))
  }
  return parts
}

function noParts(): Record<Field, UploadedFile[]> {
  return { ca_certificate: [], client_certificate: [], client_key: [] }
}

function knownField(name: string): Field {
  const field = fields.find((one) => one === name)
  if (field) return field
  throw badUpload(`There is no field ${JSON.stringify(name.slice(0, 100))}.`)
}

function nameOf(field: string, index: number): string {
  return index === 0 ? `${field}.pem` : `${field}-${index + 1}.pem`
}

function toUpload(parts: Parts): BundleUpload {
  const { ca_certificate: ca, client_certificate: certs, client_key: keys } = parts
  const count = ca.length + certs.length + keys.length
  if (count === 0) throw badUpload('Nothing was uploaded.')
  if (count > maxFiles) throw badUpload(`More than ${maxFiles} files were uploaded.`)
  const [cert, key] = [certs[0], keys[0]]
  if (certs.length > 1 || keys.length > 1 || Boolean(cert) !== Boolean(key)) {
    throw badUpload('A client certificate needs one "client_certificate" and one "client_key".')
  }
  // Without authorities nothing is replaced, so what is refused stays so.
  const mode = ca.length > 0 ? 'replace' : 'add'
  return { mode, files: ca, clientCertificate: cert && key && { cert, key } }
}

function badUpload(error: string): AdminRefusal {
  const hint =
    'Send "ca_certificate" with one certificate file or several, and "client_certificate" with "client_key" where the server wants them.'
  return new AdminRefusal(400, 'BAD_UPLOAD', { error, hint })
}
