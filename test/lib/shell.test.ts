import { describe, expect, it } from 'vitest'
import { commentLine, detectShell, evalLine, exportLine, shellNames } from '../../src/lib/shell.ts'

describe('a variable for a shell', () => {
  it.each([
    ['bash', '/plain/path', 'export A=/plain/path'],
    ['bash', "it's $HOME", `export A='it'\\''s $HOME'`],
    ['zsh', 'a b', "export A='a b'"],
    ['fish', "it's \\n $HOME", "set -gx A 'it\\'s \\\\n $HOME'"],
    ['powershell', "it's $env:X `n", "$env:A = 'it''s $env:X `n'"],
    ['powershell', 'it\u2019s', "$env:A = 'it\u2019\u2019s'"],
    ['cmd', 'C:\\Ada & co\\ca.pem', 'set "A=C:\\Ada & co\\ca.pem"'],
    ['cmd', 'x"\r\ndel *', 'set "A=xdel *"'],
  ] as const)('%s gets %s quoted', (shell, value, line) => {
    expect(exportLine(shell, 'A', value)).toBe(line)
  })
})

describe('a comment', () => {
  it.each(shellNames)('of %s is one line without anything a shell acts on', (shell) => {
    const text = commentLine(shell, 'it\'s\n`rm` $(x) "a" & b | c; d > e <f> %G% (h) [i] {j} !k *?')
    expect(text).toMatch(/^(#|rem) [\w ]+$/)
  })
})

it.each([
  ['linux', { SHELL: '/bin/zsh' }, 'zsh'],
  ['linux', { SHELL: '/usr/bin/fish' }, 'fish'],
  ['linux', { SHELL: '/bin/dash' }, 'bash'],
  ['linux', {}, 'bash'],
  ['linux', { SHELL: '/usr/bin/pwsh' }, 'powershell'],
  ['win32', { PROMPT: '$P$G' }, 'cmd'],
  ['win32', {}, 'powershell'],
  ['win32', { SHELL: '/usr/bin/bash.exe', PROMPT: '$P$G' }, 'bash'],
] as const)('on %s %j means %s', (platform, env, shell) => {
  expect(detectShell(platform, env)).toBe(shell)
})

it('every shell but cmd can take lines over from a command', () => {
  const lines = shellNames.map((shell) => evalLine(shell, 'x'))
  expect(lines).toEqual([
    'eval "$(x)"',
    'eval "$(x)"',
    'x | source',
    'x | Out-String | Invoke-Expression',
    undefined,
  ])
})
