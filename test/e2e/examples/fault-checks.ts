import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Bench, endOf, environmentFor } from './bench.ts'
import { type Roguery, startRogueGateway } from './rogue-gateway.ts'

interface Fault {
  readonly roguery: Roguery
  /** Requests to the profile, those of them with a token, and logins. */
  readonly calls: number
  readonly withToken: number
  readonly logins: number
  readonly says: RegExp
}

const faults: readonly Fault[] = [
  { roguery: 'another audience', calls: 1, withToken: 0, logins: 1, says: /does not verify/ },
  { roguery: 'a tampered token', calls: 1, withToken: 0, logins: 1, says: /does not verify/ },
  { roguery: 'another issuer', calls: 1, withToken: 0, logins: 0, says: /issuer/ },
  { roguery: 'keys over http', calls: 1, withToken: 0, logins: 0, says: /is no HTTPS address/ },
  { roguery: 'always 401', calls: 2, withToken: 1, logins: 1, says: /refuses the token/ },
  { roguery: 'busy', calls: 5, withToken: 4, logins: 1, says: /is still busy/ },
  { roguery: 'busy until tomorrow', calls: 2, withToken: 1, logins: 1, says: /in 86400 s/ },
]

/** Runs the first example against a gateway with each fault: it gives up soon, and says why. */
export async function testFaults(bench: Bench): Promise<void> {
  for (const fault of faults) await testFault(bench, fault)
}

async function testFault(bench: Bench, fault: Fault): Promise<void> {
  const { list, examples, browser, scratch } = bench
  const { roguery, says } = fault
  const rogue = await startRogueGateway(roguery)
  const caFile = join(scratch, 'rogue.pem')
  await writeFile(caFile, rogue.ca)
  setDefaultCACertificates([...getCACertificates('default'), rogue.ca])
  const before = (await browser.opened()).length
  try {
    const home = join(scratch, `rogue ${roguery}`)
    const environment = {
      ...environmentFor(bench, { url: rogue.url, home }),
      ...examples.trust({ caFile, bundleFile: caFile }),
    }
    const running = examples.run(examples.names[0] ?? '', { environment })
    const ended = endOf(running)
    const visit = browser
      .next(before, ended.signal)
      .then((url) => fetch(url))
      .catch(() => 'no browser was opened')
    const { exitCode, output } = await running
    await visit
    const withToken = rogue.calls.filter((one) => one.authorization !== undefined).length
    const seen = { calls: rogue.calls.length, withToken, logins: rogue.logins() }
    const isBounded = (['calls', 'withToken', 'logins'] as const).every(
      (one) => seen[one] === fault[one],
    )
    const isPlain = says.test(output) && !/Traceback|^ +at /m.test(output)
    const passed = exitCode === 1 && isBounded && isPlain
    const details = `${output}\n${JSON.stringify({ exitCode, seen, fault })}`
    list.check(`gives up at a gateway with the fault: ${roguery}`, passed, details)
  } finally {
    await rogue.close()
  }
}
