import pc from 'picocolors'

/** Functions that colour a string, or return it as it is. */
export type Styler = ReturnType<typeof pc.createColors>

/** What a `ui/` function may know about where its string will be shown. */
export interface Screen {
  readonly style: Styler
  readonly columns: number
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

/** Creates the styler for a stream. */
export function createStyler(color: boolean): Styler {
  return pc.createColors(color)
}
