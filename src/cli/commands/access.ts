import { UserError } from '../../errors.ts'
import type { Grants } from '../../oauth/authorization-server/grants.ts'
import type { ApiKeys } from '../../oauth/resource-server/api-keys.ts'
import { parseDuration } from '../duration.ts'
import type { Output } from '../output.ts'
import { formatGrants, formatKeys, formatNewKey } from '../ui/access-lists.ts'

/** What `keys`, `grants` and `oauth` are made of. Each works beside a running gateway. */
export interface AccessDeps {
  readonly output: Output
  readonly profiles: readonly string[]
  readonly apiKeys: ApiKeys
  readonly grants: Grants
  readonly rotateSigningKeys: () => Promise<string>
}

export interface NewKey {
  readonly profile: string
  readonly name?: string | undefined
  /** Such as `30d`. */
  readonly expires?: string | undefined
}

/** @throws UserError USAGE for an unknown profile or an expiry that is no duration */
export async function createKey(wanted: NewKey, deps: AccessDeps): Promise<number> {
  const { output, profiles, apiKeys } = deps
  const { profile, name, expires } = wanted
  if (!profiles.includes(profile)) {
    throw new UserError('USAGE', `There is no profile ${JSON.stringify(profile)}.`, {
      hint: `Profiles are ${profiles.join(', ')}.`,
    })
  }
  const expiresInMs = expires === undefined ? undefined : parseDuration(expires)
  const { key, record } = await apiKeys.create({
    profile,
    ...(name !== undefined && { name }),
    ...(expiresInMs !== undefined && { expiresInMs }),
  })
  output.data({ key, ...record })
  output.answer(formatNewKey(key, record))
  return 0
}

export async function listKeys({ output, apiKeys }: AccessDeps): Promise<number> {
  const keys = await apiKeys.list()
  output.data({ keys })
  output.answer(formatKeys(keys))
  return 0
}

/** @throws UserError USAGE when there is no such key */
export async function revokeKey(id: string, { output, apiKeys }: AccessDeps): Promise<number> {
  if (!(await apiKeys.revoke(id))) throw unknown('key', id, 'keys')
  output.data({ revoked: id })
  output.answer(`  Revoked the key ${id}. Whoever uses it is refused from now on.`)
  return 0
}

export async function listGrants({ output, grants }: AccessDeps): Promise<number> {
  const list = await grants.list()
  output.data({ grants: list })
  output.answer(formatGrants(list))
  return 0
}

/** @throws UserError USAGE when there is no such grant */
export async function revokeGrant(id: string, { output, grants }: AccessDeps): Promise<number> {
  if (!(await grants.revoke(id))) throw unknown('grant', id, 'grants')
  output.data({ revoked: id })
  output.answer(`  Revoked the grant ${id}, and every token that came from it.`)
  return 0
}

/** Signs with a new key from now on; tokens that the earlier one signed stay good until they expire. */
export async function rotateKeys({ output, rotateSigningKeys }: AccessDeps): Promise<number> {
  const kid = await rotateSigningKeys()
  output.data({ kid })
  output.answer(`  New tokens are signed with the key ${kid} once the gateway has been restarted.`)
  return 0
}

function unknown(what: string, id: string, command: string): UserError {
  return new UserError('USAGE', `There is no ${what} ${JSON.stringify(id)}.`, {
    hint: `\`sallyport ${command} list\` shows them.`,
  })
}
