import { randomInt, timingSafeEqual } from 'node:crypto'

/** Six digits, shown on the terminal and typed into the page. */
export function createCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** Whether somebody typed the code, with or without a space in the middle. */
export function isCode(typed: string, code: string): boolean {
  const digits = typed.replace(/[\s-]/g, '')
  return /^\d{6}$/.test(digits) && timingSafeEqual(Buffer.from(digits), Buffer.from(code))
}

/** Two words that name a request, on its page and on the terminal; none of those in use. */
export function createReference(inUse: ReadonlySet<string>): string {
  const pick = (words: readonly string[]) => words[randomInt(words.length)]
  for (;;) {
    const reference = `${pick(firstWords)} ${pick(secondWords)}`
    if (!inUse.has(reference)) return reference
  }
}

const firstWords = words(`amber ample azure brave brisk bronze calm cedar clever coral crisp dapper
  eager early fair fancy frosty gentle golden grand happy hazel humble ivory jolly keen lively lucky
  mellow merry misty noble olive patient plain polite proud quick quiet rapid royal ruby rusty silent
  silver snowy solid spicy steady sunny swift tidy velvet violet warm witty`)
const secondWords =
  words(`acorn anchor apple badger basket beaver bridge candle canyon castle cherry
  comet copper dolphin falcon feather forest garden hammer harbor hazelnut island jacket kettle ladder
  lantern lemon lizard magnet maple meadow mirror monkey mountain needle orchard otter paddle panda
  parrot pebble pencil penguin pepper pillow planet pumpkin rabbit ribbon river rocket saddle squirrel
  teapot tiger tunnel turtle valley walnut window`)

function words(text: string): readonly string[] {
  return text.split(/\s+/)
}
