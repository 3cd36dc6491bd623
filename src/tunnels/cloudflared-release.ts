const version = '2026.8.2'
const folder = `https://github.com/cloudflare/cloudflared/releases/download/${version}`

/** The SHA-256 that GitHub publishes for each file of that release, by platform and architecture. */
const files: Readonly<Record<string, readonly [name: string, sha256: string]>> = {
  'linux-x64': [
    'cloudflared-linux-amd64',
    'fcfb02b575a52ca1af2e3267af4e1517bcdeb30ac48c834c69abaed3c0576ad2',
  ],
  'linux-arm64': [
    'cloudflared-linux-arm64',
    '7747d94570fb390cf47dcb4f9555c193c6355cda9793f0d878d9049e5d6a7790',
  ],
  'linux-arm': [
    'cloudflared-linux-arm',
    '19809425f60a6261241dfa66a42b4115bab07c295396a3c4d5d7c247fc4e1412',
  ],
  'linux-ia32': [
    'cloudflared-linux-386',
    '39845d980a4b74b9c84530a28d8fea1fe6c476de26460275602162b349f1cbef',
  ],
  'darwin-x64': [
    'cloudflared-darwin-amd64.tgz',
    'f1727723c586500e2092368ae21871b3df7ddfd2cb097f22d81bee4a9c458bb4',
  ],
  'darwin-arm64': [
    'cloudflared-darwin-arm64.tgz',
    '9042c2c5d8b2de78e60f313d5fb31b6c5c1cebde787a3caf1f2c9588084ac442',
  ],
  'win32-x64': [
    'cloudflared-windows-amd64.exe',
    'c29eee2b121f5436a642eed69fd9767da7e7b8c510fa50aaa130337f931357b5',
  ],
  'win32-ia32': [
    'cloudflared-windows-386.exe',
    '6acb072357618fa16c53c43e05438ed728aacd47119f1c6c3aa1a668c3299b43',
  ],
}

/** A file to download, and what it must be. One whose name ends in `.tgz` holds `cloudflared`. */
export interface CloudflaredFile {
  readonly version: string
  readonly url: string
  readonly sha256: string
}

/** The file of the release we know, for a platform and an architecture as Node names them. */
export function cloudflaredFileFor(platform: string, arch: string): CloudflaredFile | undefined {
  const file = files[`${platform}-${arch}`]
  return file && { version, url: `${folder}/${file[0]}`, sha256: file[1] }
}
