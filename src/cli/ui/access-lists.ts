import { printable } from '../../lib/printable.ts'
import type { Grants } from '../../oauth/authorization-server/grants.ts'
import type { ApiKey } from '../../oauth/resource-server/api-keys.ts'

type Grant = Awaited<ReturnType<Grants['list']>>[number]

/** A key that was just made: the only time it is shown. */
export function formatNewKey(key: string, { id, profile, expiresAt }: ApiKey): string {
  const end = expiresAt === undefined ? 'does not expire' : `expires ${day(expiresAt)}`
  return [
    `  ${key}`,
    '',
    `  This is the only time the key is shown. Its id is ${id}; it is good for profile "${profile}"`,
    `  and ${end}. Clients send it as the header Authorization: Bearer <key>.`,
  ].join('\n')
}

export function formatKeys(keys: readonly ApiKey[]): string {
  if (keys.length === 0)
    return '  There are no API keys. `sallyport keys create --profile NAME` makes one.'
  return keys
    .map(({ id, profile, name, createdAt, expiresAt, lastUsedAt }) =>
      row([
        id,
        `profile ${profile}`,
        name === undefined ? '' : printable(JSON.stringify(name)),
        `made ${day(createdAt)}`,
        expiresAt === undefined ? '' : `expires ${day(expiresAt)}`,
        lastUsedAt === undefined ? 'never used' : `used ${day(lastUsedAt)}`,
      ]),
    )
    .join('\n')
}

export function formatGrants(grants: readonly Grant[]): string {
  if (grants.length === 0) return '  No client has been allowed anything.'
  return grants
    .map(({ id, clientName, profile, scopes, issuer, lastUsedAt }) =>
      row([
        id,
        printable(clientName),
        `profile ${profile}`,
        `scopes ${scopes.join(' ')}`,
        `at ${issuer}`,
        lastUsedAt === undefined ? 'never used' : `used ${day(lastUsedAt)}`,
      ]),
    )
    .join('\n')
}

function row(cells: readonly string[]): string {
  return `  ${cells.filter((cell) => cell !== '').join('  ')}`
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
