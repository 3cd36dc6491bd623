import { request } from 'node:http'
import { expect } from 'vitest'
import { servePlainly } from '../doctor/lab.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { row } from './row.ts'

const closing = closeAfterEach()

/** Sends exactly this Host: `fetch` would not let a test choose it. */
function getAs(url: string, host: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { host } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject).end()
  })
}

row('`401`, `the profile "…" needs an access token or an API key`', async () => {
  const profiles = { default: { auth: 'oauth' } } as const
  const gateway = closing(await startTestGateway({ servers: {}, profiles }))
  const answer = await fetch(gateway.url(), { method: 'POST' })
  expect(answer.status).toBe(401)
  const metadata = '.well-known/oauth-protected-resource/api/mcp/default'
  expect(answer.headers.get('www-authenticate')).toContain(metadata)
  expect(await answer.json()).toMatchObject({
    error_description:
      'the profile "default" needs an access token or an API key in the Authorization header',
  })
})

row('`Blocked a request for "…": this host is not allowed` (421)', async () => {
  const gateway = closing(await startTestGateway({ servers: {} }))
  const { status, text } = await getAs(gateway.url(), 'otter.example')
  expect(status).toBe(421)
  expect(text).toContain('otter.example')
  expect(text).toContain('this host is not allowed. Add it to \\"allowedHosts\\"')
  expect(text).toContain('or set APP_URL if it is your public address')
})

row('`There is no profile "…"` (404)', async () => {
  const gateway = closing(await startTestGateway({ servers: {}, profiles: { default: {} } }))
  const headers = { 'content-type': 'application/json' }
  const other = gateway.url().replace('default', 'other')
  const answer = await fetch(other, { method: 'POST', headers, body: '{}' })
  expect(answer.status).toBe(404)
  expect(await answer.text()).toContain('GET /api/profiles lists those that exist')
})

row('`Port … is taken, so … is used`', async () => {
  const taken = await servePlainly((_request, response) => void response.end())
  const listen = { host: '127.0.0.1', httpPort: taken, httpsPort: 0, strictPort: false }
  const gateway = closing(await startTestGateway({ servers: {}, config: { listen } }))
  const warning = gateway.events.find((event) => event.event === 'warning')
  expect(warning).toMatchObject({
    message: expect.stringMatching(new RegExp(`^Port ${taken} is taken, so \\d+ is used\\.$`)),
    hint: expect.stringContaining('--strict-port'),
  })
})
