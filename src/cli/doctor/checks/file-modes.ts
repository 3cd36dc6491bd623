import { join } from 'node:path'
import { shellQuote } from '../../../lib/shell-quote.ts'
import { authorityFiles } from '../../../tls/authority.ts'
import { defaultCaRoot } from '../../../tls/own-authority.ts'
import { type Check, type Finding, fail, ok } from '../check.ts'
import { configOf, namePath } from '../config-of.ts'
import type { DoctorWorld } from '../world.ts'

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

/** Whether keys and state can be read by their owner alone. */
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
    const problems = present.flat()
    if (problems.length > 0 || present.length === 0) return problems
    return [ok('Keys and state can be read by you alone.')]
  },
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
