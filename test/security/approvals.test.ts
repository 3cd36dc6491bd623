import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { senderOf } from '../../src/origin/client-address.ts'
import { emulateLocaltunnel } from '../fixtures/emulated-edge.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'
import { type Browser, continueUrl, createBrowser } from '../oauth/browser.ts'
import { type Lab, startLab } from '../oauth/lab.ts'
import { ask, type Discovered, discover, discoverIssuer, register } from '../oauth/oauth-flow.ts'

let lab: Lab
let outside: Discovered
let inside: Discovered
beforeAll(async () => {
  lab = await startLab({ auth: 'oauth', strictApprovals: true })
  outside = await discover(lab)
  inside = await discover(lab, 'work', lab.local)
})
afterAll(() => lab.close())
beforeEach(() => {
  lab.approvals.clear()
  lab.announcements.length = 0
  lab.news.length = 0
})

/** A browser whose requests arrive from that address. */
function browserAt(address: string): Browser {
  return createBrowser((url, init) => {
    const headers = new Headers(init?.headers)
    headers.set('x-test-client', address)
    return fetch(url, { ...init, headers })
  })
}

async function openPage(found: Discovered, address = '203.0.113.1') {
  const browser = browserAt(address)
  const before = lab.announcements.length
  const page = await browser.open((await ask(found)).url)
  const announced = lab.announcements[before]
  return {
    page,
    announced,
    load: () => browser.open(page.url),
    allow: (code = '') => browser.submit(page.url, { decision: 'allow', code }),
    follow: (url: string) => browser.open(url),
  }
}

async function openAnnounced(found: Discovered, address?: string) {
  const opened = await openPage(found, address)
  if (!opened.announced) throw new Error(`nothing was announced: ${opened.page.text}`)
  const { announced } = opened
  return { ...opened, announced, wrong: announced.code === '000000' ? '000001' : '000000' }
}

describe('a request that came through the tunnel', () => {
  it('is not allowed by a key, whatever else waits', async () => {
    const stranger = await openAnnounced(outside)
    const own = await openAnnounced(inside)
    expect(stranger.announced).toMatchObject({
      local: false,
      from: '203.0.113.1, through the tunnel',
    })
    expect(lab.approvals.approve(stranger.announced.id)).toBe(false)
    expect(lab.approvals.approve(own.announced.id)).toBe(true)
    expect((await stranger.allow()).text).toContain('Six-digit code')
    expect((await stranger.load()).text).toContain('Six-digit code')
  })

  it('shows the code as the only way, and is loaded by nobody but the person', async () => {
    const { page, announced } = await openAnnounced(outside)
    expect(page.text).toContain(announced.reference)
    expect(page.text).not.toMatch(/<code>y<\/code>|http-equiv="refresh"/)
  })

  it('may be refused by a key', async () => {
    const { announced, load } = await openAnnounced(outside)
    expect(lab.approvals.deny(announced.id)).toBe(true)
    expect((await load()).text).toContain('refused on the terminal')
  })
})

describe('a request that came from this machine', () => {
  it('goes on by itself once a key has allowed it, and is named by the same two words', async () => {
    const { page, announced, load, follow } = await openAnnounced(inside)
    expect(announced).toMatchObject({ local: true, from: 'this machine' })
    expect(announced.reference).toMatch(/^[a-z]+ [a-z]+$/)
    expect(page.text).toContain(announced.reference)
    const looks = /http-equiv="refresh" content="\d+;url=([^"]+)"/.exec(page.text)?.[1]
    expect(new URL(String(looks), page.url).href).toBe(page.url)
    expect((await load()).text).toContain(announced.reference)
    expect(lab.approvals.approve(announced.id)).toBe(true)
    const left = await follow(continueUrl(await load()))
    expect(left.leftFor).toContain('code=')
    expect(lab.news).toMatchObject([{ state: 'allowed', reference: announced.reference }])
    expect(lab.approvals.approve(announced.id)).toBe(false)
  })

  it('takes the code as well, on a page that stays while it is typed', async () => {
    const { page, announced, follow, allow, wrong } = await openAnnounced(inside)
    const typing = await follow(`${page.url}?by=code`)
    expect(typing.text).toContain('Six-digit code')
    expect(typing.text).not.toContain('http-equiv="refresh"')
    const again = await allow(wrong)
    expect(again.text).toContain('4 tries are left')
    expect(again.text).not.toContain('http-equiv="refresh"')
    expect(continueUrl(await allow(announced.code))).toContain('/oauth/authorize/')
  })

  it('tells its page when a key has refused it', async () => {
    const { announced, load } = await openAnnounced(inside)
    expect(lab.approvals.deny(announced.id)).toBe(true)
    const page = await load()
    expect(page.text).toContain('refused on the terminal')
    expect(page.text).not.toContain('http-equiv="refresh"')
  })
})

describe('wrong codes', () => {
  it('are told to the terminal, and end their own request', async () => {
    const { announced, allow, wrong } = await openAnnounced(outside)
    for (let n = 0; n < 5; n += 1) await allow(wrong)
    expect(lab.news.map((news) => news.state === 'wrong-code' && news.triesLeft)).toEqual([
      4, 3, 2, 1, 0,
    ])
    expect(lab.news[0]).toMatchObject({ reference: announced.reference, clientName: 'Test client' })
    expect((await allow(announced.code)).text).toContain('too many wrong codes')
  })

  const senders: [string, string][] = [
    ['the same address', '203.0.113.1'],
    ['another address', '203.0.113.2'],
  ]
  it.each(senders)('do not stand in the way of the right one from %s', async (_, address) => {
    for (let n = 0; n < 4; n += 1) {
      const { allow, wrong } = await openAnnounced(outside)
      for (let tries = 0; tries < 5; tries += 1) await allow(wrong)
    }
    const owner = await openAnnounced(outside, address)
    expect(continueUrl(await owner.allow(owner.announced.code))).toContain('/oauth/authorize/')
  })

  it('leave one try to who typed many, and all to others', async () => {
    for (let n = 0; n < 2; n += 1) {
      const { allow, wrong } = await openAnnounced(outside)
      for (let tries = 0; tries < 5; tries += 1) await allow(wrong)
    }
    const [same, other] = [
      await openAnnounced(outside),
      await openAnnounced(outside, '203.0.113.2'),
    ]
    expect((await same.allow(same.wrong)).text).toContain('too many wrong codes')
    expect((await other.allow(other.wrong)).text).toContain('4 tries are left')
  })
})

describe('many requests', () => {
  it('of one sender, or of one IPv6 network, leave the others theirs', async () => {
    for (const addresses of [['203.0.113.1'], ['2001:db8:0:7::1', '2001:db8:0:7:ffff::2']]) {
      for (let n = 0; n < 20; n += 1) await openPage(outside, addresses[n % addresses.length])
    }
    expect(lab.announcements).toHaveLength(10)
    expect((await openPage(outside, '203.0.113.2')).announced).toBeDefined()
    expect((await openPage(outside, '2001:db8:0:8::1')).announced).toBeDefined()
  })

  it('of all strangers are bounded, are told once, and leave this machine its own', async () => {
    for (let n = 0; n < 40; n += 1) await openPage(outside, `203.0.113.${n}`)
    expect(lab.announcements).toHaveLength(30)
    expect(lab.news).toEqual([
      { state: 'busy', from: expect.stringContaining('through the tunnel') },
    ])
    const { page } = await openPage(outside, '198.51.100.1')
    expect(page.text).toContain('Too many requests')
    expect((await openPage(inside)).announced).toMatchObject({ local: true })
  })

  it('are cleared by the owner, whose own is then shown at once', async () => {
    const waiting = await openAnnounced(outside)
    for (let n = 0; n < 10; n += 1) await openPage(outside)
    const own = await openPage(outside)
    expect(own.announced).toBeUndefined()
    lab.approvals.clear()
    expect((await waiting.load()).text).toContain('refused on the terminal')
    expect((await own.load()).text).toContain(lab.announcements.at(-1)?.reference)
  })
})

describe('a gateway behind a tunnel', () => {
  it('lets no stranger in by the key that was meant for the owner', async () => {
    const edge = await emulateLocaltunnel()
    const started = await startTunnelledGateway({
      servers: {},
      profiles: { default: { auth: 'oauth' } },
      order: [edge.provider],
      tunnels: edge.tunnels,
    })
    try {
      const { appUrl, origins } = started.gateway.status()
      const local = origins.find((origin) => origin.startsWith('http://localhost:'))
      const pages = []
      for (const origin of [String(local), appUrl]) {
        const as = await discoverIssuer(origin)
        const client = await register(as, { client_name: 'Claude Code' })
        const resource = `${origin}/api/mcp/default`
        const browser = createBrowser()
        const page = await browser.open((await ask({ as, client, resource })).url)
        pages.push({ load: () => browser.open(page.url) })
      }
      const [own, strangers] = started.events.filter((one) => one.event === 'approval')
      expect(own).toMatchObject({ local: true, from: 'this machine', origin: local })
      expect(strangers).toMatchObject({
        local: false,
        from: expect.stringContaining('through the tunnel'),
        origin: appUrl,
        redirectHost: '127.0.0.1:7777 (the computer of that browser)',
      })
      expect(started.gateway.decideApproval(String(strangers?.id), true)).toBe(false)
      expect(started.gateway.decideApproval(String(own?.id), true)).toBe(true)
      expect((await pages[1]?.load())?.text).toContain('Six-digit code')
      expect((await pages[0]?.load())?.text).toContain('You allowed it')
    } finally {
      await started.close()
      await edge.close()
    }
  })
})

describe('the sender of a request', () => {
  const rows = [
    ['127.0.0.1', 'http', 'loopback', 'this machine', 'this machine'],
    ['203.0.113.9', 'tunnel', 'public', 'tunnel 203.0.113.9', '203.0.113.9, through the tunnel'],
    // A tunnel that does not name its clients comes from this machine, and is none of its own.
    ['127.0.0.1', 'tunnel', 'public', 'tunnel 127.0.0.1', 'through the tunnel'],
    ['192.168.1.7', 'https', 'network', 'https 192.168.1.7', '192.168.1.7, through your network'],
    ['127.0.0.1', 'https', 'network', 'https 127.0.0.1', '127.0.0.1, through your network'],
    ['127.0.0.1', 'http', 'public', 'http 127.0.0.1', '127.0.0.1, through your public address'],
    [
      '2001:db8::1',
      'tunnel',
      'public',
      'tunnel 2001:db8:0:0::/64',
      '2001:db8::1, through the tunnel',
    ],
    ['2001:0db8:0:0:9::1', 'tunnel', 'public', 'tunnel 2001:db8:0:0::/64', undefined],
    ['fe80::1%eth0', 'http', 'network', 'http fe80:0:0:0::/64', undefined],
    ['::1', 'http', 'network', 'http ::1', undefined],
    ['1:2:3:4:5:6:7:8', 'http', 'network', 'http 1:2:3:4::/64', undefined],
    ['1::', 'http', 'network', 'http 1:0:0:0::/64', undefined],
  ] as const
  it.each(rows)('%s over %s (%s) is %s', (address, listener, exposure, key, words) => {
    const origin = 'https://localhost:3443'
    const sender = senderOf(address, { listener, exposure, origin, header: () => undefined })
    expect(sender).toMatchObject({ key, isLocal: exposure === 'loopback' })
    if (words !== undefined) expect(sender.words).toBe(words)
  })
  const behindProxies: [string, string, Record<string, string>][] = [
    ['a host of the configuration', 'https://mcp.example.com', {}],
    ['a forwarded address', 'http://localhost:3001', { 'x-forwarded-for': '203.0.113.9' }],
    ['a forwarded address of this machine', 'http://[::1]:3001', { forwarded: 'for=127.0.0.1' }],
    ['a proxy that names itself', 'http://127.0.0.1:3001', { via: '1.1 proxy' }],
  ]
  it.each(behindProxies)(
    'is not this machine where a local port is told %s',
    (_, origin, headers) => {
      const header = (name: string) => headers[name]
      const sender = senderOf('127.0.0.1', {
        listener: 'http',
        exposure: 'loopback',
        origin,
        header,
      })
      expect(sender).toMatchObject({
        isLocal: false,
        words: '127.0.0.1, through a proxy of your own',
      })
    },
  )
})
