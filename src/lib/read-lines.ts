import { StringDecoder } from 'node:string_decoder'

/** Calls `onLine` with each line of a stream; a line longer than `maxLength` is cut into pieces. */
export function readLines(
  stream: NodeJS.ReadableStream,
  onLine: (line: string) => void,
  maxLength = 64 * 1024,
): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    // Only what is new is searched: a line of many megabytes comes in hundreds of chunks.
    const [end = '', ...lines] = decoder.write(chunk).split('\n')
    rest += end
    for (const next of lines) {
      onLine(rest.endsWith('\r') ? rest.slice(0, -1) : rest)
      rest = next
    }
    if (rest.length <= maxLength) return
    onLine(rest)
    rest = ''
  })
  stream.on('end', () => rest && onLine(rest))
}
