import { compareMessages, type Difference, normalized } from './compare.ts'
import type { Exchange } from './exchanges.ts'
import type { Era, Heard, WireClient } from './wire-client.ts'

/** What a client heard, by what it did. */
export type Transcripts = ReadonlyMap<Exchange, readonly Heard[]>

const opening: Exchange = { name: 'handshake', run: (client) => client.open() }

/** What a client hears in each row of a table that it can say something in. */
export async function transcriptsOf(
  client: WireClient,
  /** @param era that of the server @param isHttp whether it is one of streamable HTTP */
  options: { table: readonly Exchange[]; era: Era; isHttp: boolean },
): Promise<Transcripts> {
  const all = new Map<Exchange, readonly Heard[]>()
  for (const exchange of [opening, ...options.table]) {
    const { only, http, run } = exchange
    if (only && (only !== client.era || only !== options.era)) continue
    if (http && !options.isHttp) continue
    const from = client.heard.length
    await run(client)
    all.set(exchange, client.heard.slice(from))
  }
  await client.close()
  return all
}

/** Everything that is otherwise through the gateway. */
export function differencesIn(
  direct: Transcripts,
  through: Transcripts,
  about: Pick<Difference, 'server' | 'client' | 'isBridged'>,
): Difference[] {
  const pair = `${about.client} client, ${about.server} server`
  return [...through].flatMap(([exchange, heard]) => {
    const without = direct.get(exchange)
    if (!without || (exchange.only && about.isBridged)) return []
    const found = compareMessages(normalized(without), normalized(heard))
    return found.map((one) => ({ ...about, pair, exchange: exchange.name, ...one }))
  })
}
