import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

export type NpmProgram = { ok: true; bin: string } | { ok: false; reason: string }

/** Installs a package from npm into a folder of its own; `bin` is the program's path. */
export async function installNpmProgram(
  spec: string,
  options: { program: string; folder: string; environment: { PATH: string } },
): Promise<NpmProgram> {
  const { program, folder, environment } = options
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{"private":true}\n')
  const { output } = await runCommand('npm', ['install', '--no-audit', '--no-fund', spec], {
    cwd: folder,
    env: { ...process.env, ...environment },
    timeoutMs: 90_000,
  })
  const bin = join(folder, 'node_modules', '.bin', program)
  try {
    await access(bin)
    return { ok: true, bin }
  } catch {
    // Not there: what npm said is why.
    return { ok: false, reason: output.trim().split('\n').slice(-5).join('\n') }
  }
}
