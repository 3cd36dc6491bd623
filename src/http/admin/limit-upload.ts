import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { AdminEnv } from './admin-env.ts'
import { maxBodyBytes } from './bundle-upload.ts'
import { refuse } from './require-admin.ts'

/** Refuses a body that is too long without reading it to its end. */
export function limitUpload(): MiddlewareHandler<AdminEnv> {
  return bodyLimit({
    maxSize: maxBodyBytes,
    onError(c) {
      const answered = refuse(c, {
        status: 413,
        code: 'TOO_LARGE',
        error: `The upload is larger than ${maxBodyBytes / 1024 / 1024} MB.`,
        hint: 'Send the certificates of the authority alone, at most 10 MB a file.',
      })
      // The rest of the body is not read, so the connection cannot be used again.
      answered.headers.set('connection', 'close')
      return answered
    },
  })
}
