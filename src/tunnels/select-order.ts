import { nearestName } from '../lib/nearest-name.ts'

/** Stands in an order for "no tunnel: local HTTPS". */
export const localChoice = 'local'
/** What is no provider, and so says what to do by itself. */
const alone: readonly string[] = ['auto', 'external', 'none']

/** Whose secrets are there; `auto` opens nothing that was not set up, but for localtunnel. */
export interface ConfiguredTokens {
  /** A token, or a tunnel's name and credentials. */
  readonly cloudflare: boolean
  readonly ngrok: boolean
}

/** The order of `auto`: what has an account first, because its address stays the same. */
export function autoOrder(tokens: ConfiguredTokens): string[] {
  return [
    ...(tokens.cloudflare ? ['cloudflare'] : []),
    ...(tokens.ngrok ? ['ngrok'] : []),
    'localtunnel',
    localChoice,
  ]
}

/**
 * What is wrong with an order of one's own, as a sentence for the person who wrote it; undefined when
 * nothing is. Nothing can follow `local`, which always works.
 */
export function orderProblem(
  order: readonly string[],
  known: readonly string[],
): string | undefined {
  const choices = [...known, localChoice]
  const unknown = order.find((name) => !choices.includes(name))
  if (unknown !== undefined) {
    if (alone.includes(unknown)) return `"${unknown}" stands alone: it is no part of an order.`
    const near = nearestName(unknown, [...alone, ...choices])
    const all = `There are ${alone.join(', ')}, or an order of ${choices.join(', ')}.`
    const advice = near ? `Did you mean "${near}"?` : all
    return `There is no tunnel ${JSON.stringify(unknown)}. ${advice}`
  }
  const twice = order.find((name, index) => order.indexOf(name) !== index)
  if (twice !== undefined) return `The order of tunnels names "${twice}" twice.`
  const afterLocal = order.includes(localChoice) && order[order.indexOf(localChoice) + 1]
  if (!afterLocal) return undefined
  return `"${afterLocal}" would never be tried: "local", before it, always works.`
}
