import { parseChallenge } from './challenge.ts'

/** What a server demanded when it refused a request. */
export interface Demand {
  readonly resourceMetadata: string | undefined
  readonly scopes: readonly string[] | undefined
  /** What the next login asks for besides: earlier scopes, and those that were found missing. */
  readonly steppedUp: readonly string[]
}

export const nothingDemanded: Demand = {
  resourceMetadata: undefined,
  scopes: undefined,
  steppedUp: [],
}

export function demandOf(
  wwwAuthenticate: string | undefined,
  steppedUp: readonly string[],
): Demand {
  const { resourceMetadata, scopes } = parseChallenge(wwwAuthenticate)
  return { resourceMetadata, scopes, steppedUp }
}
