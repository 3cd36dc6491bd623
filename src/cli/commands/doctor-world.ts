import { checks } from '../../doctor/checks.ts'
import { type CreateWorldOptions, createDoctorWorld } from '../../doctor/create-world.ts'
import { type DoctorReport, runChecks } from '../../doctor/run-checks.ts'
import { secretsIn } from '../../doctor/secrets-in.ts'
import { redactSecrets } from '../../lib/redact.ts'
import type { CommandWorld } from '../command-world.ts'
import type { DoctorDeps } from './doctor.ts'

const deadlineMs = 4_500

/** What `doctor` is made of in the real world. */
export function createDoctorDeps({ output, process }: CommandWorld): DoctorDeps {
  return { output, examine: () => examine({ projectDir: process.cwd() }) }
}

/** Runs every check on the real world. */
export async function examine(options: CreateWorldOptions): Promise<DoctorReport> {
  const world = await createDoctorWorld(options)
  const secrets = secretsIn(world)
  try {
    return await runChecks({
      checks,
      world,
      deadlineMs,
      redact: (text) => redactSecrets(text, secrets),
    })
  } finally {
    await world.close()
  }
}
