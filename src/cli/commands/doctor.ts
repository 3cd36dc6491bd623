import { examine } from '../../doctor/examine.ts'
import type { World } from '../output.ts'
import { formatDoctor } from '../ui/doctor.ts'

/** Says what is well, what is not, and what to do about it. Resolves with 1 when something fails. */
export async function doctor({ output, process }: World): Promise<number> {
  output.progress('Looking')
  const report = await examine({ projectDir: process.cwd() })
  output.progress(undefined)
  const { findings, summary } = report
  output.data({
    findings: findings.map(({ title: _title, ...finding }) => finding),
    summary,
  })
  output.answer(formatDoctor(report, output.stdout))
  return summary.fail > 0 ? 1 : 0
}
