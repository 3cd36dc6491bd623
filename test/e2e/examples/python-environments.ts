import { join } from 'node:path'
import { runCommand } from '../run-command.ts'

export type PythonInstallation =
  | { ok: true; pythons: readonly string[] }
  /** `possible`: packages can be installed here, so these should have been. */
  | { ok: false; possible: boolean; reason: string }

// So small that it tells quickly whether an index of packages can be reached.
const probe = 'pyjwt==2.15.1'
const oldest = '(3, 11)'

/** Makes one virtual environment for each list of requirement files, side by side. */
export async function installPython(
  scratch: string,
  { folder, groups }: { folder: string; groups: readonly (readonly string[])[] },
): Promise<PythonInstallation> {
  const version = `import sys; sys.exit(sys.version_info < ${oldest})`
  const checked = await runCommand('python3', ['-c', version])
  if (checked.exitCode !== 0) return impossible(`Python 3.11 is needed. ${checked.output}`)
  const folders = groups.map((_, index) => join(scratch, `venv${index}`))
  const created = await runCommand('python3', ['-m', 'venv', ...folders])
  if (created.exitCode !== 0) {
    return impossible(`python3 -m venv does not work (python3-venv?): ${created.output}`)
  }
  const pythons = folders.map((one) => join(one, 'bin', 'python'))
  const probed = await install(pythons[0] ?? '', ['--no-deps', probe])
  if (probed.exitCode !== 0) return impossible(`pip cannot install packages: ${probed.output}`)
  const results = await Promise.all(
    groups.map((names, index) =>
      install(
        pythons[index] ?? '',
        names.flatMap((name) => ['-r', join(folder, 'requirements', `${name}.txt`)]),
      ),
    ),
  )
  const failed = results.find(({ exitCode }) => exitCode !== 0)
  if (failed) return { ok: false, possible: true, reason: lastLines(failed.output) }
  return { ok: true, pythons }
}

function impossible(reason: string): PythonInstallation {
  return { ok: false, possible: false, reason: lastLines(reason) }
}

function install(python: string, what: readonly string[]) {
  // Compiling everything takes longer than compiling what is imported.
  const options = ['--quiet', '--no-compile', '--disable-pip-version-check', '--no-input']
  return runCommand(python, ['-m', 'pip', 'install', ...options, ...what])
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-8).join('\n')
}
