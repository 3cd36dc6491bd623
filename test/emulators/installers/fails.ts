import { writeFile } from 'node:fs/promises'
import { serveClientHost } from '../../../src/tunnels/hosts/host-channel.ts'

serveClientHost<{ to: string }>(async ({ to }) => {
  await writeFile(to, 'half of it')
  throw new Error('HTTP response with status code: 403')
})
