import { renderUnicodeCompact } from 'uqr'
import type { Screen } from './styler.ts'

/** An address as a QR code; only the address when the screen is too narrow for it. */
export function formatQr(url: string, { columns }: Screen): string {
  // uqr fills the light modules, which is right where text is light on dark, as in most terminals.
  const lines = renderUnicodeCompact(url, { border: 2, ecc: 'L' }).split('\n')
  const fits = lines.every((line) => line.length + 2 <= columns)
  const code = fits
    ? lines.map((line) => `  ${line}`)
    : ['  The terminal is too narrow for a QR code.']
  return [...code, `  ${url}`].join('\n')
}
