/** A browser as far as OAuth needs one: it keeps cookies by path, and goes where it is sent. */
export interface Browser {
  /** Follows redirects; stops at the first that `leaves`, which is one to another origin if not given. */
  open(url: string, leaves?: (to: URL) => boolean): Promise<Visit>
  submit(
    url: string,
    form: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Visit>
}

export interface Visit {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where the last redirect leads, when it was not followed. */
  readonly leftFor: string | undefined
}

export function createBrowser(fetchIt: typeof fetch = fetch): Browser {
  const jar = new Map<string, { value: string; path: string }>()

  function cookiesFor(url: URL): string {
    return [...jar]
      .filter(
        ([, { path }]) =>
          url.pathname === path || url.pathname.startsWith(path.replace(/\/?$/, '/')),
      )
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ')
  }

  function keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ')
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      const path = attributes.find((one) => one.toLowerCase().startsWith('path='))?.slice(5) ?? '/'
      if (value === '' || line.includes('1970')) jar.delete(name)
      else jar.set(name, { value, path })
    }
  }

  async function go(
    url: string,
    init: RequestInit,
    leaves = (to: URL) => to.origin !== new URL(url).origin,
  ): Promise<Visit> {
    let next = { url, init }
    for (let hops = 0; hops < 15; hops += 1) {
      const target = new URL(next.url)
      const headers = new Headers(next.init.headers)
      headers.set('cookie', cookiesFor(target))
      headers.set('accept', 'text/html')
      const response = await fetchIt(target, { ...next.init, headers, redirect: 'manual' })
      keep(response)
      const text = await response.text()
      const location = response.headers.get('location')
      const visit = { url: next.url, status: response.status, headers: response.headers, text }
      if (!location) return { ...visit, leftFor: undefined }
      const to = new URL(location, target)
      if (leaves(to)) return { ...visit, leftFor: to.href }
      next = { url: to.href, init: {} }
    }
    throw new Error('too many redirects')
  }

  return {
    open: (url, leaves) => go(url, {}, leaves),
    submit: (url, form, headers = {}) =>
      go(url, {
        method: 'POST',
        body: new URLSearchParams(form),
        headers: { origin: new URL(url).origin, ...headers },
      }),
  }
}

/** Where a page that goes on by itself leads. */
export function continueUrl(visit: Visit): string {
  const found = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(visit.text)?.[1]
  if (!found) throw new Error(`the page does not go on: ${visit.status} ${visit.text}`)
  return found.replaceAll('&amp;', '&')
}
