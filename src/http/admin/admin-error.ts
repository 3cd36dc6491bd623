/** What the admin API answers with when it does not do what it was asked. */
export interface AdminError {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 500
  readonly code: string
  /** What happened, in a sentence. */
  readonly error: string
  /** What to do. */
  readonly hint: string
}

export function adminErrorResponse({ status, code, error, hint }: AdminError, more: object = {}) {
  return Response.json(
    { error, code, hint, ...more },
    { status, headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } },
  )
}
