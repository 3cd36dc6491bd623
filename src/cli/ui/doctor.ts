import type { FindingState } from '../../doctor/check.ts'
import type { DoctorReport, ReportedFinding } from '../../doctor/examine.ts'
import { printableValues } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import { margin, type Screen, wrapText } from './screen.ts'

const stateWidth = 6
const textIndent = margin.length * 2 + stateWidth

/** What `doctor` found: grouped by check, each finding on a line, and below it what to do. */
export function formatDoctor(report: DoctorReport, screen: Screen): string[] {
  const { findings, summary } = printableValues(report)
  const titles = [...new Set(findings.map(({ title }) => title))]
  const groups = titles.map((title) => [
    `${margin}${screen.style.bold(title)}`,
    ...findings
      .filter((finding) => finding.title === title)
      .flatMap((finding) => formatFinding(finding, screen)),
  ])
  return ['', ...groups.flatMap((lines) => [...lines, '']), formatSummary(summary, screen), '']
}

function formatFinding(finding: ReportedFinding, screen: Screen): string[] {
  const { style, columns } = screen
  const width = Math.max(20, columns - textIndent)
  const paint = finding.state === 'ok' ? style.dim : (text: string) => text
  const [first = '', ...rest] = wrapText(finding.message, width).map(paint)
  const label = colorOf(finding.state, screen)(finding.state.padEnd(stateWidth))
  const indent = ' '.repeat(textIndent)
  return [
    `${margin}${margin}${label}${first}`,
    ...rest.map((line) => indent + line),
    ...(finding.fix === undefined ? [] : formatFix(finding.fix, screen)),
  ]
}

/** A command is never broken: the break would be copied with it. Other advice is prose. */
function formatFix(fix: string, { style, columns }: Screen): string[] {
  const lines = isCommand(fix) ? [fix] : wrapText(fix, Math.max(20, columns - textIndent))
  return lines.map((line) => {
    const indent = textIndent + line.length <= columns ? textIndent : margin.length
    return ' '.repeat(indent) + style.cyan(line)
  })
}

/** Advice is a sentence. */
function isCommand(fix: string): boolean {
  return !/^[A-Z][a-z]*\b.*[.]$/s.test(fix)
}

function colorOf(state: FindingState, { style }: Screen): (text: string) => string {
  return { ok: style.dim, warn: style.yellow, fail: style.red }[state]
}

function formatSummary({ ok, warn, fail }: DoctorReport['summary'], { style }: Screen): string {
  if (fail === 0 && warn === 0)
    return `${margin}${style.green('All is well:')} ${count(ok, 'finding')}.`
  const parts = [
    ...(fail > 0 ? [style.red(count(fail, 'failure'))] : []),
    ...(warn > 0 ? [style.yellow(count(warn, 'warning'))] : []),
    `${ok} ok`,
  ]
  return `${margin}${parts.join(', ')}.`
}
