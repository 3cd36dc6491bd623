import { describe, expect, it } from 'vitest'
import { closeAfterEach } from '../../fixtures/cleanup.ts'
import { startForeignIssuer } from './foreign-issuer.ts'
import { createOAuthLab, type OAuthLab } from './oauth-lab.ts'
import { startProtectedServer } from './protected-server.ts'

interface Answer {
  url: URL
  cookie: string | undefined
}

interface AbuseRow {
  readonly name: string
  /** Changes what comes to the redirect URI. */
  readonly forge: (answer: Answer, lab: OAuthLab) => void | Promise<void>
  readonly failure: string
  readonly status: number
}

const rows: AbuseRow[] = [
  {
    name: 'a state used before',
    async forge({ url, cookie }, lab) {
      await lab.oauth.handleCallback({ url: url.href, cookie })
    },
    failure: 'login-unknown',
    status: 400,
  },
  {
    name: 'a state used before, by a failed attempt',
    async forge({ url }, lab) {
      await lab.oauth.handleCallback({ url: url.href, cookie: undefined })
    },
    failure: 'login-unknown',
    status: 400,
  },
  {
    name: 'a state made up',
    forge: ({ url }) => url.searchParams.set('state', 'a'.repeat(43)),
    failure: 'login-unknown',
    status: 400,
  },
  {
    name: 'no state',
    forge: ({ url }) => url.searchParams.delete('state'),
    failure: 'login-unknown',
    status: 400,
  },
  {
    name: 'a state said twice',
    forge: ({ url }) => url.searchParams.append('state', 'x'),
    failure: 'answer-invalid',
    status: 502,
  },
  {
    name: 'an expired state',
    forge: (_, { clock }) => {
      clock.ms += 10 * 60_000
    },
    failure: 'login-expired',
    status: 400,
  },
  {
    name: 'another browser',
    forge: (answer) => {
      answer.cookie = undefined
    },
    failure: 'other-browser',
    status: 403,
  },
  {
    name: "another login's cookie",
    async forge(answer, lab) {
      answer.cookie = (await lab.begin(lab.oauth.loginUrl('notes'))).cookie
    },
    failure: 'other-browser',
    status: 403,
  },
  {
    name: 'a mixed-up issuer',
    forge: ({ url }) => url.searchParams.set('iss', 'https://evil.example'),
    failure: 'issuer-mismatch',
    status: 400,
  },
  {
    name: 'an issuer with a slash more',
    forge: ({ url }) => url.searchParams.set('iss', `${url.searchParams.get('iss')}/`),
    failure: 'issuer-mismatch',
    status: 400,
  },
  {
    name: 'no issuer where one is announced',
    forge: ({ url }) => url.searchParams.delete('iss'),
    failure: 'issuer-mismatch',
    status: 400,
  },
  {
    name: 'an error of a mixed-up issuer',
    forge: ({ url }) => {
      url.searchParams.set('iss', 'https://evil.example')
      url.searchParams.set('error', 'access_denied')
    },
    failure: 'issuer-mismatch',
    status: 400,
  },
  {
    name: 'another redirect address',
    forge: ({ url }) => {
      url.hostname = '127.0.0.1'
    },
    failure: 'answer-invalid',
    status: 502,
  },
  {
    name: 'a code said twice',
    forge: ({ url }) => url.searchParams.append('code', 'x'),
    failure: 'answer-invalid',
    status: 502,
  },
  {
    name: 'no code',
    forge: ({ url }) => url.searchParams.delete('code'),
    failure: 'answer-invalid',
    status: 502,
  },
  {
    name: 'a token in the answer',
    forge: ({ url }) => url.searchParams.set('id_token', 'x'),
    failure: 'answer-invalid',
    status: 502,
  },
  {
    name: 'an address to redirect to, with a refusal',
    forge: ({ url }) => {
      url.searchParams.set('error', 'access_denied')
      url.searchParams.set('error_description', 'Go to\r\n<a href="https://evil.example">here</a>')
      url.searchParams.set('error_uri', 'https://evil.example')
      url.searchParams.set('redirect', 'https://evil.example')
    },
    failure: 'denied',
    status: 400,
  },
]

describe('a login answer is refused, and no token asked for, with', () => {
  const closing = closeAfterEach()

  async function start() {
    const issuer = closing(await startForeignIssuer())
    const { introspect } = issuer
    const server = closing(await startProtectedServer({ issuers: [issuer.issuer], introspect }))
    return { issuer, lab: createOAuthLab(server.url) }
  }

  it.each(rows)('$name', async ({ forge, failure, status }) => {
    const { issuer, lab } = await start()
    const { location, cookie } = await lab.begin(await lab.linkOfCall())
    const answer: Answer = { url: new URL(await lab.browse(location)), cookie }
    await forge(answer, lab)
    const before = issuer.requests.filter((one) => one === 'POST /token').length
    const result = await lab.oauth.handleCallback({ url: answer.url.href, cookie: answer.cookie })
    expect(result).toMatchObject({ status, page: { failure } })
    expect(result).not.toHaveProperty('location')
    expect(JSON.stringify(result)).not.toMatch(/[\r\n]|error_uri/)
    expect(issuer.requests.filter((one) => one === 'POST /token')).toHaveLength(before)
  })

  it('nothing else changed (the control)', async () => {
    const { lab } = await start()
    const { location, cookie } = await lab.begin(await lab.linkOfCall())
    const others = `theme=dark; ${cookie}; a=b`
    const url = await lab.browse(location)
    expect(await lab.oauth.handleCallback({ url, cookie: others })).toMatchObject({ status: 200 })
  })

  it.each([
    ['no ticket', '', 0],
    ['a ticket made up', 'a'.repeat(32), 0],
    ['a ticket issued over an hour ago', undefined, 3_600_000],
  ])('a login link with %s begins nothing', async (_, forged, laterMs) => {
    const { lab, issuer } = await start()
    const ticket = new URL(await lab.linkOfCall()).searchParams.get('ticket') ?? ''
    lab.clock.ms += laterMs
    const before = issuer.requests.length
    expect(await lab.oauth.beginLogin({ server: 'notes', ticket: forged ?? ticket })).toMatchObject(
      {
        status: 403,
        page: { failure: 'link-expired' },
      },
    )
    expect(issuer.requests).toHaveLength(before)
  })

  it('a cookie that scripts and other sites cannot use, and neighbours cannot set', async () => {
    const { lab } = await start()
    lab.urls.origin = 'https://quiet-otter.example'
    const ticket = new URL(await lab.linkOfCall()).searchParams.get('ticket') ?? ''
    expect(await lab.oauth.beginLogin({ server: 'notes', ticket })).toMatchObject({
      setCookie: expect.stringMatching(
        /^__Host-sallyport-login-[0-9a-f]{16}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/,
      ),
    })
  })
})
