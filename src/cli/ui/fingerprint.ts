import { rowIndent } from './layout.ts'
import type { Screen } from './styler.ts'

/** A SHA-256 fingerprint behind its label, on two lines where one would not fit. */
export function formatFingerprint(
  fingerprint: string,
  { label, screen: { style, columns } }: { label: string; screen: Screen },
): string[] {
  if (rowIndent + label.length + fingerprint.length <= columns) {
    return [label + style.dim(fingerprint)]
  }
  const half = Math.ceil(fingerprint.length / 2)
  return [
    label + style.dim(fingerprint.slice(0, half)),
    ' '.repeat(label.length) + style.dim(fingerprint.slice(half)),
  ]
}
