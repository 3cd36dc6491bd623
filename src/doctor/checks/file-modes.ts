import { join } from 'node:path'
import { shellQuote } from '../../lib/shell.ts'
import { authorityFiles } from '../../tls/authority.ts'
import { defaultCaRoot } from '../../tls/own-authority.ts'
import { type Check, type Finding, fail, ok } from '../check.ts'
import { configOf, type DoctorWorld, namePath } from '../world.ts'

const secretFiles = [
  'state.sqlite',
  'state.sqlite-wal',
  'oauth-keys.json',
  'sealing.key',
  'upstream-ca-keys.json',
  'login-links.json',
  'certs/localhost-key.pem',
  'certs/addresses-key.pem',
]

/** Whether keys and state can be written, and read by their owner alone. */
export const fileModes: Check = {
  id: 'file-modes',
  title: 'Files',
  async run(world) {
    const tls = configOf(world)?.tls
    const paths = [
      ...secretFiles.map((name) => join(world.home, name)),
      authorityFiles(tls?.caRoot ?? defaultCaRoot()).keyFile,
      ...(tls?.keyPath === undefined ? [] : [tls.keyPath]),
    ]
    const judged = await Promise.all(paths.map((path) => judge(path, world)))
    const present = judged.filter((finding) => finding !== undefined)
    const problems = [...(await judgeFolders(world)), ...present.flat()]
    if (problems.length > 0 || present.length === 0) return problems
    return [ok('Keys and state can be read by you alone.')]
  },
}

/** Folders in which a start has to write. */
async function judgeFolders(world: DoctorWorld): Promise<Finding[]> {
  const config = configOf(world)
  const folders = [{ setting: 'SALLYPORT_HOME', folder: world.home }]
  if (config?.https && config.tunnel !== 'none' && config.tls.certPath === undefined) {
    const folder = config.tls.caRoot ?? defaultCaRoot()
    // One that is there is only read.
    const isMade = (await world.readText(authorityFiles(folder).certFile)) !== undefined
    if (!isMade) folders.push({ setting: 'SALLYPORT_CA_ROOT', folder })
  }
  const judged = folders.map(async ({ setting, folder }) => {
    if (await world.isWritable(folder)) return []
    const text = `${namePath(folder, world)} cannot be written by your user, so nothing can start.`
    return [fail(text, `Make it writable, or name another folder in ${setting}.`)]
  })
  return (await Promise.all(judged)).flat()
}

/** Undefined when there is no such file, or no such thing as a mode. */
async function judge(path: string, world: DoctorWorld): Promise<Finding[] | undefined> {
  const mode = await world.modeOf(path)
  if (mode === undefined) return undefined
  if ((mode & 0o077) === 0) return []
  const octal = (mode & 0o777).toString(8)
  const text = `${namePath(path, world)} can be read by other users of this machine (mode ${octal}).`
  return [fail(text, `chmod 600 ${shellQuote(path)}`)]
}
