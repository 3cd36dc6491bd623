import { fileURLToPath } from 'node:url'
import { type ServerSketch, startTestGateway } from '../test/fixtures/gateway.ts'
import { tellUsage } from './tell-usage.ts'

// The gateway as it is, in front of one upstream: over HTTP when its address is given, else stdio.
const [address] = process.argv.slice(2)
const echo: ServerSketch = address
  ? { url: address, type: 'http' }
  : {
      command: process.execPath,
      args: [fileURLToPath(new URL('echo-stdio.ts', import.meta.url))],
    }
const { url, close } = await startTestGateway({ servers: { echo } })
tellUsage(url(), () => void close().then(() => process.exit(0)))
