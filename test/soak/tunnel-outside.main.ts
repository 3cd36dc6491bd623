import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issueEdgeCertificate } from '../emulators/certificates.ts'
import { startCloudflareEdge } from '../emulators/cloudflare-edge.ts'
import { placeCloudflared } from '../emulators/cloudflared-binary.ts'
import { startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { startNgrokEdge } from '../emulators/ngrok-edge.ts'
import { startTarget } from '../tunnels/target.ts'
import { type PublicAddress, visit } from '../tunnels/visitor.ts'

// What surrounds a tunnel provider: the edge, the server behind the tunnel, and the visitor. In a
// process of its own, so that its memory is not taken for the provider's:
//   fork('tunnel-outside.main.ts', [PROVIDER, FOLDER])
// It tells an Outside once everything runs, and answers each public URL with a Visited.

export interface Outside {
  /** Address of the server behind the tunnel. */
  readonly target: string
  /** What the provider must know of the edge. */
  readonly edge: Readonly<Record<string, string>>
}

/** What `/hello` answered at a public URL. */
export interface Visited {
  readonly status: number
  readonly text: string
}

interface Edge {
  readonly told: Outside['edge']
  locate(publicUrl: URL): PublicAddress
}

const itself = ({ host, port }: URL): PublicAddress => ({ host, port: Number(port) })

const edges: Record<string, (folder: string) => Promise<Edge>> = {
  async localtunnel() {
    const { host } = await startLocaltunnelServer()
    return { told: { host: host.href }, locate: itself }
  },
  async ngrok(folder) {
    const { certificate, caCertFile } = await placeCertificate(folder)
    const { address } = await startNgrokEdge(certificate)
    return { told: { address, caCertFile }, locate: itself }
  },
  async cloudflare(folder) {
    const { certificate, caCertFile } = await placeCertificate(folder)
    const { address, quickService, publicPort } = await startCloudflareEdge(certificate)
    const binary = process.env.CLOUDFLARED_BIN ?? (await placeCloudflared(folder))
    return {
      told: { address, caCertFile, quickService, binary },
      locate: ({ host }) => ({ host, port: publicPort }),
    }
  },
}

async function placeCertificate(folder: string) {
  const certificate = await issueEdgeCertificate()
  const caCertFile = join(folder, 'ca.pem')
  await writeFile(caCertFile, certificate.ca)
  return { certificate, caCertFile }
}

const [provider = '', folder = ''] = process.argv.slice(2)
const target = await startTarget()
const edge = await edges[provider]?.(folder)
if (!edge) throw new Error(`there is no emulated edge of ${provider}`)
process.on('message', async (publicUrl: string) => {
  const { status, text } = await visit(edge.locate(new URL(publicUrl)), '/hello')
  process.send?.({ status, text } satisfies Visited)
})
process.once('disconnect', () => process.exit(0))
process.send?.({ target: target.url.href, edge: edge.told } satisfies Outside)
