import { devNull } from 'node:os'
import type { ProgramResult } from './probes.ts'

/** `absent`: there is nothing of the kind to try. */
export type TrustVerdict = 'trusted' | 'untrusted' | 'unknown' | 'absent'

export interface TrustTrial {
  readonly url: string
  /** SHA-256 of the authority's certificate, as `AA:BB:…`; undefined when it is not known. */
  readonly authorityFingerprint: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** A program that makes TLS connections, and how it is asked whom it trusts. */
export interface Runtime {
  readonly name: string
  readonly program: string
  args(trial: TrustTrial): readonly string[]
  /** Added to the environment: nothing may ask, and nothing may look for updates. */
  readonly env?: Readonly<Record<string, string>>
  judge(ended: ProgramResult & { state: 'ended' }, trial: TrustTrial): TrustVerdict
}

// A refusal is an error nobody hears, which ends the program with its code among the last words.
const nodeScript = `require('node:https')
  .get(process.argv[1], { agent: false, timeout: 5000 }, (answer) => answer.resume())
  .on('timeout', function () { this.destroy() })`

const pythonScript = `import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=5)`

const requestsScript = `import sys
try:
    import requests
except ImportError:
    sys.exit(9)
requests.get(sys.argv[1], timeout=5)`

export const runtimes: readonly Runtime[] = [
  {
    name: 'Node',
    program: 'node',
    args: ({ url }) => ['-e', nodeScript, url],
    judge: ({ code, output }) =>
      code === 0 ? 'trusted' : unlessRefused(output, /CERT|UNABLE_TO_|SELF_SIGNED/),
  },
  {
    name: 'Python',
    program: 'python3',
    args: ({ url }) => ['-c', pythonScript, url],
    judge: ({ code, output }) =>
      code === 0 ? 'trusted' : unlessRefused(output, /CERTIFICATE_VERIFY_FAILED/),
  },
  {
    name: 'Python requests',
    program: 'python3',
    args: ({ url }) => ['-c', requestsScript, url],
    judge({ code, output }) {
      if (code === 9) return 'absent'
      return code === 0
        ? 'trusted'
        : unlessRefused(output, /CERTIFICATE_VERIFY_FAILED|CA certificate bundle/)
    },
  },
  {
    name: 'curl',
    program: 'curl',
    args: ({ url }) => ['-sS', '--max-time', '5', '-o', devNull, url],
    // curl(1): 60 is a certificate it cannot verify, 77 a file of authorities it cannot read.
    judge({ code }) {
      if (code === 0) return 'trusted'
      return code === 60 || code === 77 ? 'untrusted' : 'unknown'
    },
  },
  {
    name: 'git',
    program: 'git',
    args: ({ url }) => ['ls-remote', url],
    env: { GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS: '', LC_ALL: 'C' },
    judge: ({ output }) =>
      /not found|not valid/.test(output)
        ? 'trusted'
        : unlessRefused(output, /certificate|unable to get local issuer/i),
  },
  {
    name: 'Java',
    program: 'keytool',
    // Java's own words for its list of authorities; the password is the one every list comes with.
    args: ({ environment }) => ['-list', ...keystoreOf(environment), '-storepass', 'changeit'],
    judge({ code, output }, { authorityFingerprint }) {
      if (code !== 0 || authorityFingerprint === undefined) return 'unknown'
      return output.includes(authorityFingerprint) ? 'trusted' : 'untrusted'
    },
  },
  {
    name: 'Deno',
    program: 'deno',
    args: ({ url }) => ['eval', `await fetch(${JSON.stringify(url)})`],
    env: { DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
    judge: ({ code, output }) =>
      code === 0 ? 'trusted' : unlessRefused(output, /certificate|UnknownIssuer/),
  },
  {
    name: 'Bun',
    program: 'bun',
    args: ({ url }) => ['-e', `await fetch(${JSON.stringify(url)})`],
    judge: ({ code, output }) =>
      code === 0 ? 'trusted' : unlessRefused(output, /certificate|CERT|UNABLE_TO_|SELF_SIGNED/),
  },
]

function unlessRefused(output: string, refusal: RegExp): TrustVerdict {
  return refusal.test(output) ? 'untrusted' : 'unknown'
}

function keystoreOf(environment: TrustTrial['environment']): string[] {
  const options = `${environment.JAVA_TOOL_OPTIONS ?? ''} ${environment.JDK_JAVA_OPTIONS ?? ''}`
  const named = /-Djavax\.net\.ssl\.trustStore=(\S+)/.exec(options)?.[1]
  return named === undefined ? ['-cacerts'] : ['-keystore', named]
}
