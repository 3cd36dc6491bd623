import { printableLine } from '../../lib/printable.ts'
import type { AnswerDifference } from '../../traffic/compare-answers.ts'
import type { CallEntry, Outcome, TrafficEntry } from '../../traffic/entry.ts'
import type { KeptBody } from '../../traffic/redact-body.ts'
import type { Screen } from './screen.ts'

/** What came of one call that was sent again. */
export interface Replayed {
  readonly method: string
  readonly name: string | undefined
  readonly outcome: 'same' | 'differs' | 'left-out'
  /** Why it was left out. */
  readonly why?: string
  readonly differences: readonly AnswerDifference[]
}

const words: Record<Outcome, string> = {
  ok: 'ok',
  'tool-error': 'failed',
  error: 'refused',
  cancelled: 'cancelled',
  lost: 'lost',
}
const outcomeWidth = 9
const tookWidth = 8

/** One entry as a line; with `verbose`, its bodies and what passed meanwhile below it. */
export function formatEntry(
  entry: TrafficEntry,
  { screen, verbose }: { screen: Screen; verbose: boolean },
): string[] {
  const { style } = screen
  const time = style.dim(clock(entry.at))
  if (entry.kind === 'event') {
    const about = entry.server ?? entry.profile ?? ''
    const said = printableLine([about, entry.text].filter(Boolean).join(' '))
    const what = entry.what.padEnd(outcomeWidth + tookWidth + 1)
    return [`${time} ${style.dim(what)} ${entry.isProblem ? style.yellow(said) : style.dim(said)}`]
  }
  if (entry.kind === 'message') {
    const arrow = entry.from === 'client' ? '→' : '←'
    const what = `${arrow} ${entry.client}`.padEnd(outcomeWidth + tookWidth + 1)
    const line = `${time} ${style.dim(printableLine(what))} ${printableLine(entry.method)}`
    return verbose ? [line, ...bodyLines(arrow, entry.body, screen)] : [line]
  }
  const line = `${time} ${callLine(entry, screen)}`
  return verbose ? [line, ...callBodies(entry, screen)] : [line]
}

function callLine(call: CallEntry, { style }: Screen): string {
  const { outcome, method, name, server, profile, client, request, answer, problem } = call
  const word = words[outcome].padEnd(outcomeWidth)
  const isFine = outcome === 'ok'
  const shown = isFine ? style.green(word) : style.red(word)
  const took = style.dim(duration(call.tookMs).padStart(tookWidth))
  const asked = [method, name && style.bold(printableLine(name, 80))].filter(Boolean).join(' ')
  const way = `${printableLine(client, 40)} → ${server ?? profile}`
  const sizes = `${size(request.bytes)} → ${answer ? size(answer.bytes) : 'none'}`
  const why = isFine || problem === undefined ? '' : style.red(` ${printableLine(problem, 200)}`)
  return `${shown}${took} ${asked} ${style.dim(`(${way}, ${sizes})`)}${why}`
}

function callBodies(call: CallEntry, screen: Screen): string[] {
  return [
    ...bodyLines('→', call.request, screen),
    ...call.asides.flatMap(({ from, method = 'answer', body, afterMs }) => {
      const arrow = from === 'client' ? '→' : '←'
      return bodyLines(`${arrow} ${printableLine(method)} after ${duration(afterMs)}`, body, screen)
    }),
    ...(call.asidesLeftOut ? [`    … and ${call.asidesLeftOut} more that were not kept`] : []),
    ...(call.answer ? bodyLines('←', call.answer, screen) : []),
    `    ${screen.style.dim(`${duration(call.serverMs)} of it in the server`)}`,
  ]
}

function bodyLines(label: string, { text, isCut, bytes }: KeptBody, { style }: Screen): string[] {
  const cut = isCut ? style.dim(` … of ${size(bytes)}`) : ''
  return [`    ${style.dim(label)} ${printableLine(text, Number.POSITIVE_INFINITY)}${cut}`]
}

/** A call that was sent again, and below it where its answer differs. */
export function formatReplayed(replayed: Replayed, { style }: Screen): string[] {
  const { method, name, outcome, why, differences } = replayed
  const asked = [method, name && style.bold(printableLine(name, 80))].filter(Boolean).join(' ')
  const word = outcome.replace('-', ' ').padEnd(outcomeWidth)
  const shown = { same: style.green, differs: style.red, 'left-out': style.yellow }[outcome](word)
  return [
    `${shown} ${asked}${why === undefined ? '' : style.dim(` (${why})`)}`,
    ...differences.flatMap(({ path, before, after }) => [
      `    ${printableLine(path || 'the answer')}`,
      `      ${style.red(`- ${valueLine(before)}`)}`,
      `      ${style.green(`+ ${valueLine(after)}`)}`,
    ]),
  ]
}

function valueLine(value: unknown): string {
  return value === undefined ? 'nothing' : printableLine(JSON.stringify(value), 200)
}

function clock(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const [value, unit] = bytes < 1_000_000 ? [bytes / 1_000, 'kB'] : [bytes / 1_000_000, 'MB']
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}
