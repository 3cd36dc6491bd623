import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

// In a thread, because reading the system's store blocks: 30 ms on Linux, longer where a keychain
// has to be asked. As text, because a thread that loads TypeScript takes 80 ms more.
const script = `
  const { getCACertificates } = require('node:tls')
  const { parentPort } = require('node:worker_threads')
  const stores = ['system', 'bundled', 'extra']
  parentPort.postMessage(stores.flatMap((store) => getCACertificates(store)))`

/**
 * Reads the roots (PEM) this process could trust: the system's, those that come with Node, and what
 * NODE_EXTRA_CA_CERTS named when it started. The lists overlap.
 */
export async function readRootCertificates(): Promise<string[]> {
  // Without our own flags: --input-type would change what the text means.
  const worker = new Worker(script, { eval: true, execArgv: [] })
  const [roots] = await once(worker, 'message')
  return roots
}
