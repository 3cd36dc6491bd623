import { describe, expect, it } from 'vitest'
import { createSignIn } from '../../../src/oauth/authorization-server/sign-in.ts'
import type { Identity } from '../../../src/oauth/authorization-server/sign-in-provider.ts'
import { silentLogger } from '../../fixtures/silent-logger.ts'

const alice: Identity = {
  provider: 'github',
  id: '1',
  login: 'Alice',
  verifiedEmails: ['alice@Example.com'],
}
const bob: Identity = {
  provider: 'google',
  id: '1',
  login: undefined,
  verifiedEmails: ['bob@mail.example.com'],
}
const nobody: Identity = { provider: 'google', id: '1', login: undefined, verifiedEmails: [] }

const rows: [string, string[], Identity, boolean][] = [
  ['an address', ['alice@example.com'], alice, true],
  ['an address in other letters', [' ALICE@EXAMPLE.COM '], alice, true],
  ['a domain', ['@example.com'], alice, true],
  ['a login', ['github:alice'], alice, true],
  ['the second entry', ['carol@example.com', 'github:alice'], alice, true],
  ['an empty list', [], alice, false],
  ['an empty entry', [''], nobody, false],
  ['a login without its provider', ['alice'], alice, false],
  ['a login of another provider', ['google:alice'], alice, false],
  ['a domain above', ['@example.com'], bob, false],
  ['a domain that ends alike', ['@ample.com'], alice, false],
  ['a domain without its sign', ['example.com'], alice, false],
  ['only the sign', ['@'], alice, false],
  ['another address', ['bob@example.com'], alice, false],
  ['nobody', ['@example.com'], nobody, false],
  [
    'an address with two signs',
    ['@example.com'],
    { ...nobody, verifiedEmails: ['x@evil@example.com'] },
    false,
  ],
]

/** Whether somebody who is known at a provider may decide with that list. */
async function maySignIn(allow: readonly string[], identity: Identity): Promise<boolean> {
  const provider = {
    name: 'one',
    label: 'One',
    authorizationUrl: async ({ state }: { state: string }) => `https://one.example/?state=${state}`,
    identify: async () => identity,
  }
  const signIn = createSignIn({ providers: [provider], allow, now: Date.now, logger: silentLogger })
  const interaction = 'i'.repeat(21)
  const url = await signIn.begin('one', { interaction, origin: 'https://me.example' })
  return url !== undefined && (await signIn.finish(interaction, new URL(url))).ok
}

describe('the list of who may sign in', () => {
  it.each(rows)('%s', async (_, list, identity, allowed) => {
    expect(await maySignIn(list, identity)).toBe(allowed)
  })
})
