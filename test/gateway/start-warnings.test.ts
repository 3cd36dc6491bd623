import { expect, it } from 'vitest'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import { startWarnings } from '../../src/gateway/start-warnings.ts'
import type { Listener } from '../../src/http/listener.ts'
import { interfacesOf } from '../tls/lab.ts'

const listener = (name: 'http' | 'https', port: number, movedFrom?: number) =>
  ({ name, port, movedFrom }) as Listener

function messages(host: string, listeners: readonly Listener[] = []): string[] {
  const config = { listen: { host }, configFile: '/p/corp.json' } as ResolvedConfig
  const interfaces = interfacesOf('192.168.1.5', '192.0.2.2')
  const found = [...startWarnings(config, { certificate: undefined, listeners, interfaces })]
  return found.flatMap((event) =>
    event.event === 'warning' ? [`${event.message} ${event.hint}`] : [],
  )
}

it('names the addresses that are listened on, and neither served nor in the certificate', () => {
  expect(messages('127.0.0.1')).toEqual([])
  expect(messages('0.0.0.0')).toEqual([
    expect.stringMatching(/^HOST 0\.0\.0\.0 listens on 192\.0\.2\.2 as well, .*corp\.json\.$/),
  ])
})

it('says whether a port was taken by another program or by ourselves', () => {
  expect(messages('127.0.0.1', [listener('https', 3443), listener('http', 3002, 3001)])).toEqual([
    expect.stringContaining('Port 3001 is taken, so 3002 is used. With --strict-port'),
  ])
  expect(messages('127.0.0.1', [listener('https', 3443), listener('http', 3444, 3443)])).toEqual([
    expect.stringContaining('Port 3443 is taken by another listener of this gateway, so 3444'),
  ])
})
