import picomatch from 'picomatch'
import { describe, expect, it } from 'vitest'
import { watchedFiles } from '../../src/config/watched-files.ts'

describe('what `watch` of a server means', () => {
  it.each([
    ['node', ['server.mjs'], '/work'],
    ['node', ['--inspect', 'src/server.ts', '--port', '3'], '/work/src'],
    ['/usr/bin/node', ['/other/server.js'], '/other'],
    ['tsx', ['watch', 'src/server.ts'], '/work/src'],
    ['python3.13', ['-u', 'tools/server.py'], '/work/tools'],
    ['uv', ['run', 'server.py'], '/work'],
    ['go', ['run', './cmd/server'], '/work/cmd/server'],
    ['go', ['run', '.'], '/work'],
    ['./bin/server.sh', [], '/work/bin'],
  ])('is, of %s %j, the folder of the script', (command, args, folder) => {
    expect(watchedFiles(true, { command, args, cwd: '/work' })).toMatchObject({ folder })
  })

  it.each([
    ['npx', ['-y', 'some-server']],
    ['docker', ['run', 'server.py']],
    ['python', ['-m', 'server']],
    ['node', []],
  ])('is nothing to be seen of %s %j', (command, args) => {
    expect(watchedFiles(true, { command, args, cwd: '/work' })).toBeUndefined()
  })

  it('is globs in the working folder', () => {
    const program = { command: 'npx', args: ['server'], cwd: '/work' }
    expect(watchedFiles(['src/**/*.ts'], program)).toEqual({
      folder: '/work',
      globs: ['src/**/*.ts'],
    })
  })

  it('is sources, and nothing that a program writes beside them', () => {
    const program = { command: 'node', args: ['server.mjs'], cwd: '/work' }
    const { globs = [] } = watchedFiles(true, program) ?? {}
    const isWatched = picomatch([...globs])
    const files = [
      'server.mjs',
      'lib/a.ts',
      'data.json',
      'out.log',
      'dev.err',
      '.env',
      '.env.tmp',
      'a.sqlite',
      'calls.jsonl',
      'sedX1',
    ]
    expect(files.filter((file) => isWatched(file))).toEqual(['server.mjs', 'lib/a.ts', 'data.json'])
  })
})
