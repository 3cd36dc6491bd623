import type { Screen } from './styler.ts'

/** Everything on the screen stands this far from the left edge. */
export const margin = '  '

const labelWidth = 10

/** A label and its lines: `  Local     https://…`, the following lines below the first. */
export function formatRow(label: string, lines: readonly string[], { style }: Screen): string[] {
  return lines.map(
    (line, index) => margin + (index === 0 ? style.dim(label.padEnd(labelWidth)) : gap) + line,
  )
}

const gap = ' '.repeat(labelWidth)

/** Columns left of a row's text. */
export const rowIndent = margin.length + labelWidth

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

/** Prose at the margin, wrapped to the screen. */
export function formatProse(text: string, { columns }: Screen): string[] {
  return wrapText(text, Math.max(20, columns - margin.length)).map((line) => margin + line)
}

/**
 * Text to be copied: never wrapped by us, because a line break would be copied with it. It loses
 * the margin when that makes it fit.
 */
export function formatCode(code: string, { columns }: Screen): string[] {
  const lines = code.split('\n')
  const widest = Math.max(...lines.map((line) => line.length))
  const indent = widest + margin.length <= columns ? margin : ''
  return lines.map((line) => indent + line)
}
