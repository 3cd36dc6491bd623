import type { DoctorReport } from '../../doctor/run-checks.ts'
import type { Output } from '../output.ts'
import { formatDoctor } from '../ui/doctor.ts'

/** What `doctor` is made of. */
export interface DoctorDeps {
  readonly output: Output
  /** Looks at everything, and changes nothing. */
  readonly examine: () => Promise<DoctorReport>
}

/** Says what is well, what is not, and what to do about it. Resolves with 1 when something fails. */
export async function runDoctor({ output, examine }: DoctorDeps): Promise<number> {
  output.progress('Looking')
  const report = await examine()
  output.progress(undefined)
  const { findings, summary } = report
  output.data({
    findings: findings.map(({ title: _title, ...finding }) => finding),
    summary,
  })
  output.answer(formatDoctor(report, output.screen('stdout')))
  return summary.fail > 0 ? 1 : 0
}
