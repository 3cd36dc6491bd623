import { startTestGateway } from '../test/fixtures/gateway.ts'

// The gateway as it is, in front of one HTTP upstream.
const { url, gateway } = await startTestGateway({
  servers: { echo: { url: process.argv[2] ?? '', type: 'http' } },
})
process.send?.({ url: url() })
process.on('message', () =>
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }),
)
process.on('disconnect', () => void gateway.close().then(() => process.exit(0)))
