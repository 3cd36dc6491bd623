import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'

/** The failure of a bundle that must not be used; `reason` is the rest of a sentence. */
export function bundleRefused(server: string, reason: string): UserError {
  const name = shellQuote(server)
  return new UserError(
    'CA_BUNDLE_REFUSED',
    `The server "${server}" is not connected to, because its CA bundle cannot be believed: ${reason}.`,
    {
      hint:
        `Put it in place again with \`pnpm sallyport ca add ${name} --replace <files>\`, or take it ` +
        `away with \`pnpm sallyport ca remove ${name}\`. If you did not change the state file, ` +
        'find out who did.',
    },
  )
}
