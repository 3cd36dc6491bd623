import { UserError } from '../../errors.ts'

/** The file is there and cannot be understood, so nothing was written. */
export function fileMalformed(
  path: string,
  place: { line: number; column: number; message: string },
): UserError {
  return new UserError(
    'CLIENT_FILE_MALFORMED',
    `${path} was not changed: it cannot be read at line ${place.line}, column ${place.column}: ${place.message.replace(/\.$/, '')}.`,
    { hint: 'Correct the file there, and try again.' },
  )
}

/** An entry of that name belongs to somebody else. */
export function entryForeign(path: string, name: string): UserError {
  return new UserError(
    'CLIENT_ENTRY_FOREIGN',
    `${path} was not changed: it has an entry "${name}" that differs from what was written there from here.`,
    { hint: 'With --force it is replaced, and put back by --undo.' },
  )
}

/** The entry would have to be written in a form that is not edited safely. */
export function notEditable(path: string, name: string): UserError {
  return new UserError(
    'CLIENT_FILE_MALFORMED',
    `${path} was not changed: it is written in a form in which "${name}" cannot be changed without touching the rest.`,
    { hint: 'Make the change by hand; without --write the entry is only shown.' },
  )
}
