import pc from 'picocolors'
import { printable } from '../../lib/printable.ts'

/** Everything on the screen stands this far from the left edge. */
export const margin = '  '

const labelWidth = 10
const gap = ' '.repeat(labelWidth)
/** Columns left of a row's text. */
const rowIndent = margin.length + labelWidth
const narrowest = 20

/** Where text will be shown: how it may look there, and how it is laid out, in lines. */
export type Screen = ReturnType<typeof createScreen>

/** Creates the screen of a stream. */
export function createScreen({ color, columns }: { color: boolean; columns: number }) {
  const style = pc.createColors(color)
  const prose = (text: string): string[] =>
    wrapText(printable(text), Math.max(narrowest, columns - margin.length)).map(
      (line) => margin + line,
    )
  return {
    /** Functions that colour a string, or return it as it is. */
    style,
    columns,
    /** Prose at the margin, wrapped. */
    prose,
    /** A label and its lines: `  Local     https://…`, the following lines below the first. */
    row: (label: string, lines: readonly string[]): string[] =>
      lines.map(
        (line, index) => margin + (index === 0 ? style.dim(label.padEnd(labelWidth)) : gap) + line,
      ),
    /** Prose for the lines of a row. */
    wrap: (text: string): string[] =>
      wrapText(printable(text), Math.max(narrowest, columns - rowIndent)),
    /**
     * Text to be copied: never wrapped by us, because a line break would be copied with it. It loses
     * the margin when that makes it fit.
     */
    code(code: string): string[] {
      const lines = printable(code, Number.POSITIVE_INFINITY).split('\n')
      const widest = Math.max(...lines.map((line) => line.length))
      const indent = widest + margin.length <= columns ? margin : ''
      return lines.map((line) => style.cyan(indent + line))
    },
    /** A warning: what happened, and below it, what to do. */
    warning: ({ message, hint }: { message: string; hint?: string | undefined }): string[] => [
      ...prose(message).map(style.yellow),
      ...(hint ? prose(hint) : []),
    ],
    /** A SHA-256 fingerprint behind its label, on two lines where one would not fit. */
    fingerprint(fingerprint: string, label = ''): string[] {
      if (rowIndent + label.length + fingerprint.length <= columns) {
        return [label + style.dim(fingerprint)]
      }
      const half = Math.ceil(fingerprint.length / 2)
      return [
        label + style.dim(fingerprint.slice(0, half)),
        ' '.repeat(label.length) + style.dim(fingerprint.slice(half)),
      ]
    },
  }
}

/**
 * Whether to colour what goes to a stream: `NO_COLOR` and `FORCE_COLOR` decide, then whether it is
 * a terminal. See no-color.org and force-color.org.
 */
export function wantsColor(
  stream: { readonly isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

/**
 * Breaks prose at spaces into lines of at most `width` characters; longer words stay whole. A line
 * that is indented stays so, and what follows from it too.
 */
export function wrapText(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const indent = /^ */.exec(paragraph)?.[0] ?? ''
    return wrapWords(paragraph.trim().split(' '), width - indent.length).map(
      (line) => indent + line,
    )
  })
}

function wrapWords(words: readonly string[], width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line ? `${line} ${word}` : word
    }
  }
  return [...lines, line]
}
