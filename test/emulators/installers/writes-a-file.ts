import { writeFile } from 'node:fs/promises'
import { serveClientHost } from '../../../src/tunnels/hosts/host-channel.ts'

serveClientHost<{ to: string }>(async ({ to }, tell) => {
  await writeFile(to, '#!/bin/sh\n', { mode: 0o755 })
  tell({ type: 'progress', bytes: 10 })
  tell({ type: 'done' })
})
