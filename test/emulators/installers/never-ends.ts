import { writeFile } from 'node:fs/promises'
import { serveClientHost } from '../../../src/tunnels/hosts/host-channel.ts'

serveClientHost<{ to: string }>(({ to }) => writeFile(to, 'half of it'))
