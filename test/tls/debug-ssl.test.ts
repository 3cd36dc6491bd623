import { get } from 'node:https'
import { Agent, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDebugSsl, formatTlsReport } from '../../src/tls/debug-ssl.ts'
import { until } from '../cli/helpers.ts'
import { createTestAuthority, serve } from './lab.ts'

async function listen(authority: () => string | undefined = () => undefined) {
  const blocks: string[] = []
  const debug = createDebugSsl({ authority, write: (block) => void blocks.push(block) })
  onTestFinished(() => debug.close())
  const block = () => until(() => blocks[0], { what: 'a block was written' })
  return { debug, blocks, block }
}

async function serveFor(name: string) {
  const authority = await createTestAuthority()
  const { server, port } = await serve(await authority.issue([name]))
  return { server, ca: authority.certPem, url: `https://localhost:${port}/` }
}

async function fetchWith(url: string, ca?: string) {
  const dispatcher = new Agent({ connect: { family: 4, ...(ca && { ca: [ca] }) } })
  onTestFinished(() => dispatcher.destroy())
  return request(url, { dispatcher }).then(
    ({ body }) => body.text(),
    (error) => error.code,
  )
}

describe('a connection that is made', () => {
  it('is described with chain, names, channel and the store that held its root', async () => {
    const { ca, url } = await serveFor('localhost')
    const { block } = await listen(() => ca)
    expect(await fetchWith(url, ca)).toBe('ok')
    const text = await block()
    expect(text).toMatch(/^TLS to 127\.0\.0\.1:\d+\n {2}Name {6}localhost\n {2}Verified {2}yes\n/)
    expect(text).toContain('Store     our authority')
    expect(text).toMatch(/Channel {3}TLSv1\.3, TLS_AES_\w+, ALPN http\/1\.1/)
    expect(text).toContain('SANs      localhost')
    expect(text).toMatch(/Chain 0 {3}O=Sallyport, CN=localhost\n +issued by O=Sallyport local CA/)
    expect(text).toMatch(
      /Chain 1 {3}O=Sallyport local CA.*\n.*valid until 20\d\d-\d\d-\d\d\n +SHA-256 (\w\w:){31}\w\w$/,
    )
  })

  it('names the bundle of the upstream when its root is nobody else’s', async () => {
    const { ca, url } = await serveFor('localhost')
    const { block } = await listen()
    expect(await fetchWith(url, ca)).toBe('ok')
    expect(await block()).toContain('the CA bundle of this upstream')
  })

  it('is described when it cannot be verified, with the issuer that is missing', async () => {
    const { url } = await serveFor('localhost')
    const { block } = await listen()
    expect(await fetchWith(url)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    const text = await block()
    expect(text).toContain('Verified  no: unable to verify the first certificate')
    expect(text).toContain('none: no store holds the issuer O=Sallyport local CA')
    expect(text).toContain('Chain 0   O=Sallyport, CN=localhost')
  })

  it('is described when the name is another one', async () => {
    const { ca, url } = await serveFor('other.localhost')
    const { block } = await listen()
    expect(await fetchWith(url, ca)).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    const text = await block()
    expect(text).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(text).toContain('SANs      other.localhost')
  })

  it.each([
    ['fetch', (url: string) => void fetch(url).catch(() => {})],
    ['node:https', (url: string) => void get(url).on('error', () => {})],
  ])('is seen whoever makes it, such as %s', async (_name, visit) => {
    const { url } = await serveFor('localhost')
    const { block } = await listen()
    visit(url)
    expect(await block()).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  it('is described no more after close', async () => {
    const { ca, url } = await serveFor('localhost')
    const { debug, blocks } = await listen()
    debug.close()
    await fetchWith(url, ca)
    expect(blocks).toEqual([])
  })
})

it('a block shows control characters of strangers as question marks', () => {
  const link = { subject: 'CN=\x1b[2Jevil', issuer: 'a\x07b', validToDate: new Date(Number.NaN) }
  const text = formatTlsReport({
    direction: 'made',
    peer: '192.0.2.1:443',
    servername: undefined,
    outcome: { ok: true },
    chain: [{ ...link, subjectAltName: undefined, fingerprint256: 'AA' }],
    source: undefined,
    protocol: undefined,
    cipher: undefined,
    alpn: undefined,
  })
  expect(text).toMatchInlineSnapshot(`
    "TLS to 192.0.2.1:443
      Name      none was named
      Verified  yes
      Chain 0   CN=?[2Jevil
                issued by a?b, valid until an unknown day
                SHA-256 AA"
  `)
})
