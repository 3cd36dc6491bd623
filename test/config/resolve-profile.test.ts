import { expect, it } from 'vitest'
import { gatewayFileSchema } from '../../src/config/gateway-file-schema.ts'
import { resolveProfile } from '../../src/config/resolve-profile.ts'

const serverNames = ['github', 'files.v2']

/** What is said about the tools of a profile. */
function problemsOf(tools: object): string[] {
  const { profiles } = gatewayFileSchema.parse({ profiles: { p: { tools } } })
  const problems: string[] = []
  for (const [name, profile] of Object.entries(profiles)) {
    resolveProfile(name, profile, {
      serverNames,
      report: (_path, message) => problems.push(message),
    })
  }
  return problems
}

it.each(['search', 'get_*', 'github/*', 'files.v2/read', '{a,b}', '[a-c]*', 'git*/search', '*/x'])(
  'accepts the glob %s',
  (glob) => {
    expect(problemsOf({ allow: [glob], deny: [glob] })).toEqual([])
  },
)

it.each([
  ['', 'names no tool'],
  ['github/', 'every tool of a server is "github/*"'],
  ['/search', 'the name of the server is empty'],
  ['!search', 'put what to leave out under "deny"'],
  ['a[', 'Missing closing: "]"'],
  ['a{b', 'Missing closing: "}"'],
  ['a)', 'Missing opening: "("'],
  ['[z-a]', 'it can match nothing'],
  ['githb/*', 'did you mean "github"?'],
  ['gitlab*/x', 'not in this profile (github, files.v2)'],
])('refuses the glob %j', (glob, message) => {
  expect(problemsOf({ allow: [glob] })).toEqual([expect.stringContaining(message)])
})

it.each(['search', 'github/search', 'files.v2/a/b'])('accepts the exact reference %s', (one) => {
  expect(problemsOf({ rename: { [one]: 'x' }, describe: { [one]: 'X' } })).toEqual([])
})

it.each([
  ['get_*', 'exactly'],
  ['github/', 'names no tool'],
  ['other/x', 'not in this profile'],
])('refuses the exact reference %s', (reference, message) => {
  expect(problemsOf({ describe: { [reference]: 'X' } })).toEqual([expect.stringContaining(message)])
})
