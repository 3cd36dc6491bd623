import { X509Certificate } from 'node:crypto'
import { isSelfSigned, onOneLine } from '../certificate.ts'
import { pathFrom } from './order-chain.ts'
import { addCommand, kindOf, type TlsFinding } from './tls-failures.ts'

interface Trusted {
  readonly server: string
  readonly bundle: readonly X509Certificate[]
  readonly roots: readonly string[]
}

/** Names the root or intermediate that is missing from what is trusted. */
export function explainTrust(
  facts: Trusted,
  { problem, chain }: { problem: string | undefined; chain: readonly X509Certificate[] },
): TlsFinding[] {
  const [leaf] = chain
  const top = chain.at(-1)
  if (!leaf || !top || problem === undefined) return []
  const kind = kindOf(problem)
  // OpenSSL says that something has expired, and not that it is untrusted, where both is true.
  const isAboutTime = kind === 'expired' || kind === 'not-yet-valid'
  if (kind !== 'untrusted' && !(isAboutTime && !isAnchored(top, facts))) return []
  const command = addCommand(facts.server)
  const last = climb(top, facts.bundle)
  const wanted = isSelfSigned(last) ? last.subject : last.issuer
  const namesake = facts.bundle.find(({ subject }) => subject === wanted)
  if (namesake && namesake.fingerprint256 !== last.fingerprint256)
    return [{ ...otherRoot(namesake), command }]
  if (facts.bundle.some(({ fingerprint256 }) => fingerprint256 === last.fingerprint256)) {
    return isSelfSigned(last) ? [] : [{ ...missingRoot(last), command }]
  }
  if (!isSelfSigned(last)) return [{ ...missingIssuer(facts, chain, last), command }]
  if (last !== leaf) return [{ ...untrustedRoot(facts, last), command }]
  return [leaf.ca ? { ...selfSigned(leaf), command } : selfSignedLeaf(leaf)]
}

function isAnchored(top: X509Certificate, { bundle, roots }: Trusted): boolean {
  const anchors = [...bundle, ...roots.map((pem) => new X509Certificate(pem))]
  const last = climb(top, anchors)
  return anchors.some(({ fingerprint256 }) => fingerprint256 === last.fingerprint256)
}

function climb(start: X509Certificate, bundle: readonly X509Certificate[]): X509Certificate {
  return pathFrom(start, bundle).at(-1) ?? start
}

type Text = Omit<TlsFinding, 'command'>

const compare = 'Get it from its operator, compare the SHA-256 fingerprint, and add it.'

function otherRoot(namesake: X509Certificate): Text {
  return {
    kind: 'other-root',
    message: `The bundle holds ${onOneLine(namesake.subject)} with SHA-256 ${namesake.fingerprint256}, but the server's chain was signed by another key of that name: the authority was made anew, or it is a namesake.`,
    fix: "Get the authority's certificate of today from its operator, and add it.",
  }
}

function missingRoot(last: X509Certificate): Text {
  return {
    kind: 'missing-root',
    message: `The bundle holds the intermediate ${onOneLine(last.subject)}, but not its issuer ${onOneLine(last.issuer)}.`,
    fix: compare,
  }
}

function missingIssuer(
  facts: Trusted,
  chain: readonly X509Certificate[],
  last: X509Certificate,
): Text {
  const sent = chain.length === 1 ? 'only its own certificate' : `${chain.length} certificates`
  const place = /CA Issuers - URI:(\S+)/.exec(last.infoAccess ?? '')?.[1]
  const where = place === undefined ? '' : ` The certificate says that it is at ${place}.`
  return {
    kind: 'missing-issuer',
    message: `The server sends ${sent}, and ${onOneLine(last.issuer)}, which issued ${onOneLine(last.subject)}, is neither sent, nor in the bundle, nor a root of this system.${others(facts)}${where}`,
    fix: `${compare} If it is an intermediate, the server should send it as well, and its root is needed too.`,
  }
}

function untrustedRoot(facts: Trusted, root: X509Certificate): Text {
  return {
    kind: 'untrusted-root',
    message: `The server's chain ends in the root ${onOneLine(root.subject)} (SHA-256 ${root.fingerprint256}), which is neither in the bundle nor a root of this system.${others(facts)}`,
    fix: compare,
  }
}

function others({ bundle }: Trusted): string {
  if (bundle.length === 0) return ''
  const names = bundle.slice(0, 5).map(({ subject }) => onOneLine(subject))
  return ` The bundle holds ${names.join('; ')}${bundle.length > 5 ? '; …' : ''}, which did not issue it.`
}

function selfSigned(leaf: X509Certificate): Text {
  return {
    kind: 'self-signed',
    message: `The server's certificate ${onOneLine(leaf.subject)} (SHA-256 ${leaf.fingerprint256}) is signed with its own key, and it is an authority of its own.`,
    fix: compare,
  }
}

function selfSignedLeaf(leaf: X509Certificate): TlsFinding {
  return {
    kind: 'self-signed-leaf',
    message: `The server's certificate ${onOneLine(leaf.subject)} is signed with its own key and is no authority, so nothing vouches for it.`,
    fix: 'Have it issued by an authority, such as the one `mkcert` makes, and add the root of that.',
    command: undefined,
  }
}
