/**
 * Text that came from outside (an upstream, a file), safe to show in a terminal: control characters
 * other than line feeds are shown as `\x1b`, so that nothing can move the cursor or fake a line.
 */
export function printable(text: string): string {
  return text.replace(controlCharacters, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const controlCharacters = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g
