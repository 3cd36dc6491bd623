import { access, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

export type NpmProgram = { ok: true; bin: string } | { ok: false; reason: string }

/** Installs a package from npm into a folder of its own; `bin` is the program's path. */
export async function installNpmProgram(
  spec: string,
  options: { program: string; folder: string; environment: { PATH: string } },
): Promise<NpmProgram> {
  const { program, folder, environment } = options
  const bin = join(folder, 'node_modules', '.bin', program)
  const place = await placeFor(spec, folder)
  if (await exists(bin)) return { ok: true, bin }
  const { output } = await runCommand('npm', ['install', '--no-audit', '--no-fund', spec], {
    cwd: place,
    env: { ...process.env, ...environment },
    timeoutMs: 90_000,
  })
  if (await exists(bin)) return { ok: true, bin }
  return { ok: false, reason: output.trim().split('\n').slice(-5).join('\n') }
}

/**
 * The folder to install a package in, for use from `folder`: that one, unless several suites share
 * what they install (`E2E_PACKAGES`), one after the other.
 */
export async function placeFor(spec: string, folder: string): Promise<string> {
  const shared = process.env.E2E_PACKAGES
  const place = shared ? join(shared, spec.replaceAll(/[^\w.]+/g, '-')) : folder
  await mkdir(place, { recursive: true })
  if (!(await exists(join(place, 'package.json')))) {
    await writeFile(join(place, 'package.json'), '{"private":true}\n')
  }
  if (place !== folder) {
    await mkdir(folder, { recursive: true })
    await symlink(join(place, 'node_modules'), join(folder, 'node_modules'))
  }
  return place
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
