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

/** Four letters that name a request, none of them mistaken for another when read aloud. */
export function createReference(): string {
  const letters = 'BCDFGHJKLMNPQRSTVWXZ'
  return Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('')
}
