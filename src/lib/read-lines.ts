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
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    if (rest.length <= maxLength) return
    onLine(rest)
    rest = ''
  })
  stream.on('end', () => rest && onLine(rest))
}
