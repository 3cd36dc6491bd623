import type { Screen } from './styler.ts'

/** What each key does, in a sentence. */
export function formatKeyHelp(
  { style }: Screen,
  { opensTunnel }: { opensTunnel: boolean },
): string {
  const reopens = opensTunnel
    ? 'restarts the servers and opens the tunnel anew: its address may change'
    : 'restarts the servers and proves the address again'
  const keys = [
    ['c', 'copies the snippet to the clipboard'],
    ['q', 'shows the MCP address as a QR code'],
    ['r', reopens],
    ['d', 'looks for what is wrong, and says what fixes it'],
    ['y, n', 'allows or refuses a client; y only one that asks from this machine'],
    ['w', 'shows the clients that wait, with their codes'],
    ['x', 'refuses all that wait, and takes new requests at once'],
    ['?', 'shows this'],
    ['Ctrl-C', 'stops everything; twice stops at once'],
  ]
  return keys.map(([key = '', does = '']) => `  ${style.bold(key.padEnd(8))}${does}`).join('\n')
}
