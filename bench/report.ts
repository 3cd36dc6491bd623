import { readFileSync, writeFileSync } from 'node:fs'
import type { Spread } from './measure.ts'

export interface Table {
  readonly title: string
  /** What is measured, and how. */
  readonly about: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A median with what lies between the tenth and the ninetieth of a hundred. */
export function formatSpread({ median, low, high }: Spread, digits = 0): string {
  const text = (value: number) => value.toFixed(digits)
  return `${text(median)} (${text(low)}–${text(high)})`
}

export function formatTable({ title, about, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = line(head.map(() => '---'))
  return [`## ${title}`, '', about, '', line(head), rule, ...rows.map(line), ''].join('\n')
}

const mark = '<!-- Written by `pnpm bench` from here on. -->'

/** Puts the tables of this run in place of those of the last. */
export function writeReport(file: string, tables: readonly Table[], where: string): void {
  const [prose = ''] = readFileSync(file, 'utf8').split(mark)
  writeFileSync(file, [`${prose}${mark}`, '', where, '', ...tables.map(formatTable)].join('\n'))
}
