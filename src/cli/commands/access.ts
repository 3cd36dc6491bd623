import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { signingKeyFile } from '../../gateway/authorization.ts'
import { printable } from '../../lib/printable.ts'
import { createGrants, type Grants } from '../../oauth/authorization-server/grants.ts'
import { rotateSigningKeys } from '../../oauth/authorization-server/signing-keys.ts'
import { type ApiKey, type ApiKeys, createApiKeys } from '../../oauth/resource-server/api-keys.ts'
import type { Output, World } from '../output.ts'
import { withStore } from './with-store.ts'

type Grant = Awaited<ReturnType<Grants['list']>>[number]

export interface NewKey {
  readonly profile: string
  readonly name?: string | undefined
  /** Such as `30d`. */
  readonly expires?: string | undefined
}

/** @throws UserError USAGE for an unknown profile or an expiry that is no duration */
export function createKey({ profile, name, expires }: NewKey, world: World): Promise<number> {
  return withAccess(world, async ({ output, config, apiKeys }) => {
    if (!Object.hasOwn(config.profiles, profile)) {
      throw new UserError('USAGE', `There is no profile ${JSON.stringify(profile)}.`, {
        hint: `Profiles are ${Object.keys(config.profiles).join(', ')}.`,
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
  })
}

export function listKeys(world: World): Promise<number> {
  return withAccess(world, async ({ output, apiKeys }) => {
    const keys = await apiKeys.list()
    output.data({ keys })
    output.answer(formatKeys(keys))
    return 0
  })
}

/** @throws UserError USAGE when there is no such key */
export function revokeKey(id: string, world: World): Promise<number> {
  return withAccess(world, async ({ output, apiKeys }) => {
    if (!(await apiKeys.revoke(id))) throw unknown('key', id, 'keys')
    output.data({ revoked: id })
    output.answer(`  Revoked the key ${id}. Whoever uses it is refused from now on.`)
    return 0
  })
}

export function listGrants(world: World): Promise<number> {
  return withAccess(world, async ({ output, grants }) => {
    const list = await grants.list()
    output.data({ grants: list })
    output.answer(formatGrants(list))
    return 0
  })
}

/** @throws UserError USAGE when there is no such grant */
export function revokeGrant(id: string, world: World): Promise<number> {
  return withAccess(world, async ({ output, grants }) => {
    if (!(await grants.revoke(id))) throw unknown('grant', id, 'grants')
    output.data({ revoked: id })
    output.answer(`  Revoked the grant ${id}, and every token that came from it.`)
    return 0
  })
}

/** Signs with a new key from now on; tokens that the earlier one signed stay good until they expire. */
export function rotateKeys(world: World): Promise<number> {
  return withAccess(world, async ({ output, config }) => {
    const kid = await rotateSigningKeys(signingKeyFile(config.home), Date.now())
    output.data({ kid })
    output.answer(
      `  New tokens are signed with the key ${kid} once the gateway has been restarted.`,
    )
    return 0
  })
}

/** Runs a command on the keys and grants of this folder, beside a running gateway or without one. */
function withAccess(
  { output, process }: World,
  run: (access: {
    output: Output
    config: ResolvedConfig
    apiKeys: ApiKeys
    grants: Grants
  }) => Promise<number>,
): Promise<number> {
  const now = Date.now
  return withStore({ process }, ({ config, store }) =>
    run({
      output,
      config,
      apiKeys: createApiKeys({ store, now }),
      grants: createGrants({ store, now }),
    }),
  )
}

function unknown(what: string, id: string, command: string): UserError {
  return new UserError('USAGE', `There is no ${what} ${JSON.stringify(id)}.`, {
    hint: `\`sallyport ${command} list\` shows them.`,
  })
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a duration such as `30d`, `12h` or `45m`, in ms.
 * @throws UserError USAGE
 */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const ms = Number(count) * (units[unit] ?? 0)
  if (ms > 0) return ms
  throw new UserError('USAGE', `${JSON.stringify(text)} is not a duration.`, {
    hint: 'Write minutes, hours or days: 45m, 12h, 30d.',
  })
}

/** A key that was just made: the only time it is shown. */
export function formatNewKey(key: string, { id, profile, expiresAt }: ApiKey): string[] {
  const end = expiresAt === undefined ? 'does not expire' : `expires ${day(expiresAt)}`
  return [
    `  ${key}`,
    '',
    `  This is the only time the key is shown. Its id is ${id}; it is good for profile "${profile}"`,
    `  and ${end}. Clients send it as the header Authorization: Bearer <key>.`,
  ]
}

export function formatKeys(keys: readonly ApiKey[]): string[] {
  if (keys.length === 0)
    return ['  There are no API keys. `sallyport keys create --profile NAME` makes one.']
  return keys.map(({ id, profile, name, createdAt, expiresAt, lastUsedAt }) =>
    row([
      id,
      `profile ${profile}`,
      name === undefined ? '' : printable(JSON.stringify(name)),
      `made ${day(createdAt)}`,
      expiresAt === undefined ? '' : `expires ${day(expiresAt)}`,
      lastUsedAt === undefined ? 'never used' : `used ${day(lastUsedAt)}`,
    ]),
  )
}

export function formatGrants(grants: readonly Grant[]): string[] {
  if (grants.length === 0) return ['  No client has been allowed anything.']
  return grants.map(({ id, clientName, profile, scopes, issuer, lastUsedAt }) =>
    row([
      id,
      printable(clientName),
      `profile ${profile}`,
      `scopes ${scopes.join(' ')}`,
      `at ${issuer}`,
      lastUsedAt === undefined ? 'never used' : `used ${day(lastUsedAt)}`,
    ]),
  )
}

function row(cells: readonly string[]): string {
  return `  ${cells.filter((cell) => cell !== '').join('  ')}`
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
