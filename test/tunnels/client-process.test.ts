import { describe, expect, it, onTestFinished } from 'vitest'
import { type ClientCommand, startClient } from '../../src/tunnels/client-process.ts'
import { createWorld } from './world.ts'

describe('startClient', () => {
  function start(line: string, options: Partial<ClientCommand> = {}) {
    const world = createWorld()
    onTestFinished(() => world.close())
    const command = { command: line, args: [], env: { PATH: process.env.PATH ?? '' }, secrets: [] }
    const lines: string[] = []
    const onLine = (heard: string) => void lines.push(heard)
    const shell = { shell: true, onLine, ...options }
    return { world, lines, client: startClient({ ...command, ...shell }, world.dependencies) }
  }

  it('kills a client that ignores SIGTERM, or is stopped', async () => {
    const stubborn = start(`trap '' TERM; echo ready; while :; do sleep 60; done`)
    const stopped = start('echo ready; kill -STOP $$; sleep 60')
    await expect.poll(() => stubborn.lines).toEqual(['ready'])
    await expect.poll(() => stopped.lines).toEqual(['ready'])
    await Promise.all([stubborn.client.stop(), stopped.client.stop(), stopped.client.stop()])
    expect((await stubborn.client.exited).how).toBe('was killed by SIGKILL')
    await expect.poll(() => [...stubborn.world.running(), ...stopped.world.running()]).toEqual([])
  })

  it('kills what a client that ends has left behind', async () => {
    const { client, world } = start('sleep 60 & exit 0')
    expect(await client.exited).toMatchObject({ how: 'exited with code 0' })
    await expect.poll(() => world.running()).toEqual([])
  })

  it('tells why a client could not be started', async () => {
    const { client } = start('/no/such/program', { shell: false })
    expect(client.pid).toBeUndefined()
    expect(await client.exited).toMatchObject({ startError: { code: 'ENOENT' } })
    await client.stop()
  })

  it('keeps the last words without secrets, and hands on the lines as they were said', async () => {
    const secrets = ['s3cret']
    const { client, lines, world } = start('echo a s3cret; printf "b s3c" >&2; printf ret >&2', {
      secrets,
    })
    const { lastWords } = await client.exited
    expect(lastWords.split('\n').toSorted()).toEqual(['a REDACTED', 'b REDACTED'])
    expect(lines.toSorted()).toEqual(['a s3cret', 'b s3cret'])
    expect(world.logged()).not.toContain('s3cret')
  })
})
