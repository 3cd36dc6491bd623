import { expect, it } from 'vitest'
import { exactToolProblem, toolGlobProblem } from '../../src/config/resolve-profile.ts'

const servers = ['github', 'files.v2']

it.each(['search', 'get_*', 'github/*', 'files.v2/read', '{a,b}', '[a-c]*', 'git*/search', '*/x'])(
  'accepts the glob %s',
  (glob) => {
    expect(toolGlobProblem(glob, servers)).toBeUndefined()
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
  expect(toolGlobProblem(glob, servers)).toContain(message)
})

it.each(['search', 'github/search', 'files.v2/a/b'])('accepts the exact reference %s', (one) => {
  expect(exactToolProblem(one, servers)).toBeUndefined()
})

it.each([
  ['get_*', 'exactly'],
  ['github/', 'names no tool'],
  ['other/x', 'not in this profile'],
])('refuses the exact reference %s', (reference, message) => {
  expect(exactToolProblem(reference, servers)).toContain(message)
})
