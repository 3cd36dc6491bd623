import { describe, expect, it } from 'vitest'
import { maxBodyBytes } from '../../../src/http/admin/upload.ts'
import { maxFileBytes } from '../../../src/tls/upstream/certificate-file.ts'
import { closeAfterEach, oneForAll } from '../../fixtures/cleanup.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../../fixtures/gateway.ts'
import { startHttpsFront } from '../../fixtures/https-front.ts'
import { startServer } from '../../fixtures/start-server.ts'
import { createPrivateCa, serverOf, trustChanges } from '../../gateway/trust-lab.ts'
import { issueClientPair } from '../../tls/upstream/client-pair.ts'
import { openAdmin, send } from './admin-lab.ts'

const closing = closeAfterEach()
const json = { 'content-type': 'application/json' }

const start = async (url = 'https://127.0.0.1:9/mcp') =>
  openApi(closing(await startTestGateway({ servers: { corp: { url } } })))

const shared = oneForAll(() =>
  startTestGateway({
    servers: { corp: { url: 'https://127.0.0.1:9/mcp' }, tool: stdioFixture('never-answers.ts') },
  }),
)

async function openApi(gateway: TestGateway) {
  const admin = closing(await openAdmin(gateway))
  const cookie = await admin.signIn()
  const at = (server: string) => `${admin.origin}/api/admin/servers/${server}/ca`
  const call = async (
    method: string,
    {
      server = 'corp',
      headers = {},
      body,
    }: { server?: string; headers?: object; body?: unknown } = {},
  ) => {
    const init = { method, headers: { cookie, ...headers }, body: body as string }
    const answer = await fetch(at(server), init)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const put = (body: object) => call('PUT', { headers: json, body: JSON.stringify(body) })
  return { gateway, admin, cookie, at, call, put }
}

function formOf(
  ...parts: [field: string, content: string | Uint8Array<ArrayBuffer>, name: string][]
): FormData {
  const form = new FormData()
  for (const [field, content, name] of parts) {
    form.append(field, new File([content], name))
  }
  return form
}

describe('PUT /api/admin/servers/:name/ca', () => {
  it('takes several files, and answers with verdicts, chain, missing links and fingerprint', async () => {
    const { call, admin } = await start()
    const [one, two] = [await createPrivateCa(), await createPrivateCa()]
    const body = formOf(
      ['ca_certificate', one.certPem, 'one.pem'],
      ['ca_certificate', `${two.certPem}${one.certPem}`, 'both.crt'],
    )
    const answer = await call('PUT', { body })
    expect(answer).toMatchObject({
      status: 200,
      body: {
        server: 'corp',
        stored: true,
        files: [
          { file: 'one.pem', accepted: true, certificates: [{ verdict: 'root' }] },
          { file: 'both.crt', certificates: [{ verdict: 'root' }, { verdict: 'duplicate' }] },
        ],
        bundle: {
          state: 'good',
          certificates: [{ kind: 'root' }, { kind: 'root' }],
          missing: [],
          fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        },
      },
    })
    const got = await call('GET')
    expect(got.body.fingerprint).toBe((answer.body.bundle as { fingerprint: string }).fingerprint)
    expect(await admin.bundles.read('corp')).toMatchObject({ ca: { length: 2 } })
  })

  it('takes PEM as JSON, a string or a list, and puts it in the place of what was there', async () => {
    const { put, admin } = await start()
    const [one, two] = [await createPrivateCa(), await createPrivateCa()]
    expect(await put({ ca_certificate: one.certPem })).toMatchObject({ status: 200 })
    expect(await put({ ca_certificate: [two.certPem] })).toMatchObject({ status: 200 })
    expect((await admin.bundles.read('corp'))?.ca.map((pem) => pem.trim())).toEqual([
      two.certPem.trim(),
    ])
    expect(await put({ ca_certificate: two.certPem })).toMatchObject({ body: { stored: false } })
  })

  it('stores nothing when one of several parts is refused', async () => {
    const { put, call, admin } = await start()
    const [ca, clients, later] = [
      await createPrivateCa(),
      await createPrivateCa(),
      await createPrivateCa(),
    ]
    const client = await issueClientPair(clients)
    const other = await issueClientPair(clients)
    await put({ ca_certificate: ca.certPem })
    const before = await call('GET')
    const leaf = (await ca.issue(['127.0.0.1'])).cert
    const refused = [
      { ca_certificate: [later.certPem, leaf] },
      { ca_certificate: [later.certPem, client.key] },
      { ca_certificate: later.certPem, client_certificate: client.cert, client_key: other.key },
      { ca_certificate: leaf, client_certificate: client.cert, client_key: client.key },
    ]
    for (const body of refused) {
      const answer = await put(body)
      expect(answer).toMatchObject({ status: 400, body: { code: 'CERTIFICATE_REFUSED' } })
      expect(answer.body.error).toMatch(/^Nothing was stored\. "/)
      expect(JSON.stringify(answer.body)).not.toContain(client.key.split('\n')[1])
    }
    expect((await call('GET')).body).toEqual(before.body)
    const audit = await admin.bundles.audit('corp')
    expect(audit.map(({ action }) => action)).toEqual([...refused.map(() => 'refuse'), 'replace'])
    for (const { by, before, after, reason } of audit.slice(0, -1)) {
      expect(by).toMatch(/^admin session /)
      expect(after).toBe(before)
      expect(reason).toMatch(/^"/)
      expect(reason).not.toContain(client.key.split('\n')[1])
    }
  })

  it('puts authorities in the place of what is refused, and no client certificate beside it', async () => {
    const { put, call, admin } = await start()
    const [ca, clients] = [await createPrivateCa(), await createPrivateCa()]
    const client = await issueClientPair(clients)
    await put({ ca_certificate: ca.certPem })
    await admin.store.set('upstream-ca', 'corp', {})
    expect((await call('GET')).body).toMatchObject({ state: 'refused' })
    const pair = { client_certificate: client.cert, client_key: client.key }
    expect((await put(pair)).body).toMatchObject({ code: 'CA_BUNDLE_REFUSED' })
    expect((await call('GET')).body).toMatchObject({ state: 'refused' })
    const body = { stored: true, bundle: { state: 'good', clientCertificate: { daysLeft: 29 } } }
    expect(await put({ ca_certificate: ca.certPem, ...pair })).toMatchObject({ status: 200, body })
  })

  it.each<
    [
      what: string,
      sent: { headers?: object; body?: unknown; server?: string },
      status: number,
      code: string,
    ]
  >([
    [
      'another media type',
      { headers: { 'content-type': 'text/plain' }, body: 'x' },
      415,
      'WRONG_MEDIA_TYPE',
    ],
    ['no media type', { body: new Uint8Array([1]) }, 415, 'WRONG_MEDIA_TYPE'],
    ['what is not JSON', { headers: json, body: '{' }, 400, 'BAD_UPLOAD'],
    ['JSON that is no object', { headers: json, body: '[]' }, 400, 'BAD_UPLOAD'],
    [
      'a form that ends early',
      { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x\r\n' },
      400,
      'BAD_UPLOAD',
    ],
    [
      'a form without a boundary',
      { headers: { 'content-type': 'multipart/form-data' }, body: 'x' },
      400,
      'BAD_UPLOAD',
    ],
    ['an empty form', { body: new FormData() }, 400, 'BAD_UPLOAD'],
    ['nothing', { headers: json, body: '{}' }, 400, 'BAD_UPLOAD'],
    ['an unknown field', { headers: json, body: '{"ca":"x"}' }, 400, 'BAD_UPLOAD'],
    ['a field of Object', { headers: json, body: '{"__proto__":"x"}' }, 400, 'BAD_UPLOAD'],
    ['a number', { headers: json, body: '{"ca_certificate":1}' }, 400, 'BAD_UPLOAD'],
    [
      'a client certificate without its key',
      { headers: json, body: '{"client_certificate":"x"}' },
      400,
      'BAD_UPLOAD',
    ],
    [
      'too many files',
      { headers: json, body: JSON.stringify({ ca_certificate: Array(21).fill('x') }) },
      400,
      'BAD_UPLOAD',
    ],
    [
      'text that is no certificate',
      { headers: json, body: '{"ca_certificate":"x"}' },
      400,
      'CERTIFICATE_REFUSED',
    ],
    [
      'a file of another type',
      { body: formOf(['ca_certificate', 'x', 'ca.exe']) },
      400,
      'CERTIFICATE_REFUSED',
    ],
    [
      'a file over 10 MB',
      { body: formOf(['ca_certificate', new Uint8Array(maxFileBytes + 1), 'ca.pem']) },
      413,
      'CERTIFICATE_REFUSED',
    ],
    [
      'a server that does not exist',
      { server: 'none', headers: json, body: '{"ca_certificate":"x"}' },
      404,
      'UNKNOWN_SERVER',
    ],
    [
      'a program',
      { server: 'tool', headers: json, body: '{"ca_certificate":"x"}' },
      409,
      'NOT_OVER_HTTPS',
    ],
  ])('refuses %s', async (_what, sent, status, code) => {
    const { call, admin } = await openApi(await shared())
    const answer = await call('PUT', sent)
    expect(answer).toMatchObject({
      status,
      body: { code, error: expect.any(String), hint: expect.any(String) },
    })
    expect(await admin.bundles.list()).toEqual([])
  })

  it('does not read a body that is announced as too long', async () => {
    const { at, cookie } = await openApi(await shared())
    const headers = { cookie, ...json, 'content-length': String(maxBodyBytes + 1) }
    const answer = await send(at('corp'), { method: 'PUT', headers })
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'TOO_LARGE' })
  })

  it('connects the server at once, and DELETE ends that', async () => {
    const ca = await createPrivateCa()
    const plain = closing(await startServer('legacy-http'))
    const front = closing(await startHttpsFront(plain.url, await ca.issue(['127.0.0.1'])))
    const { gateway, put, call } = await start(front.url)
    const state = () => serverOf(gateway, 'corp')?.state
    await expect.poll(state).toBe('failed')
    await put({ ca_certificate: ca.certPem })
    await expect.poll(state).toBe('up')
    expect(await call('DELETE')).toMatchObject({ status: 200, body: { removed: true } })
    await expect.poll(state).toBe('failed')
    expect(trustChanges(gateway.events)).toEqual(['corp added', 'corp removed'])
    expect(await call('DELETE')).toMatchObject({ status: 404, body: { code: 'NO_BUNDLE' } })
    expect(await call('GET')).toMatchObject({ status: 404, body: { code: 'NO_BUNDLE' } })
  })
})
