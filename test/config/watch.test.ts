import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { watchConfig } from '../../src/config/watch.ts'
import { temporaryFolder } from './temporary-folder.ts'

async function setup() {
  const folder = await temporaryFolder()
  const configFile = join(folder, 'gateway.json')
  await writeFile(configFile, 'one')
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const onChange = vi.fn()
  const watching = () =>
    watchConfig({ configFile }, { onChange, signal: abort.signal, settleMs: 20 })
  return { folder, configFile, abort, onChange, watching }
}

const called = (mock: ReturnType<typeof vi.fn>, times: number) =>
  expect.poll(() => mock).toHaveBeenCalledTimes(times)

it('notices an edit in place, an atomic save and a return, once each', async () => {
  const { folder, configFile, onChange, watching } = await setup()
  await watching()
  await writeFile(configFile, 'two')
  await called(onChange, 1)
  await writeFile(join(folder, 'new'), 'three')
  await rename(join(folder, 'new'), configFile)
  await called(onChange, 2)
  await rm(configFile)
  await pause(60)
  expect(onChange).toHaveBeenCalledTimes(2)
  await writeFile(configFile, 'four')
  await called(onChange, 3)
})

it('says once that the file is gone, when it does not come back at once', async () => {
  const { configFile, abort, onChange } = await setup()
  const onMissing = vi.fn()
  const timing = { settleMs: 5, missingMs: 500 }
  await watchConfig({ configFile }, { onChange, onMissing, signal: abort.signal, ...timing })
  await rm(configFile)
  await writeFile(configFile, 'two')
  await called(onChange, 1)
  expect(onMissing).not.toHaveBeenCalled()
  await rm(configFile)
  await called(onMissing, 1)
  await writeFile(configFile, 'three')
  await called(onChange, 2)
  expect(onMissing).toHaveBeenCalledTimes(1)
})

it('ignores other files and saves without a change', async () => {
  const { folder, configFile, onChange, watching } = await setup()
  await watching()
  await writeFile(join(folder, 'other.json'), 'x')
  await writeFile(configFile, 'one')
  await pause(80)
  expect(onChange).not.toHaveBeenCalled()
})

it('follows a link to where the file is edited', async () => {
  const { folder, configFile, onChange, watching } = await setup()
  await mkdir(join(folder, 'real'))
  await rename(configFile, join(folder, 'real/settings.json'))
  await symlink('real/settings.json', configFile)
  await watching()
  await writeFile(join(folder, 'real/settings.json'), 'two')
  await called(onChange, 1)
})

it('ends with the signal, also while an edit settles', async () => {
  const { configFile, abort, onChange, watching } = await setup()
  await watching()
  await writeFile(configFile, 'two')
  abort.abort()
  await pause(60)
  expect(onChange).not.toHaveBeenCalled()
  const handles = process.getActiveResourcesInfo()
  expect(handles).not.toContain('FSEventWrap')
})

it('reports a folder that cannot be watched', async () => {
  const { folder, abort } = await setup()
  const onError = vi.fn()
  const configFile = join(folder, 'none/gateway.json')
  await watchConfig({ configFile }, { onChange: vi.fn(), onError, signal: abort.signal })
  expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'ENOENT' }))
})
