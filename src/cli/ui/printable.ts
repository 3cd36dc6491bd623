/**
 * Text that came from outside (an upstream, a file), safe to show in a terminal: control characters
 * other than line feeds are shown as `\x1b`, so that nothing can move the cursor or fake a line.
 */
export function printable(text: string): string {
  return text.replace(controlCharacters, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

// Unicode's control characters (C0, DEL, C1) but the line feed.
const controlCharacters = /[^\P{Cc}\n]/gu
