const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

/** Runs an example; a failure is one sentence and exit code 1. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    console.error(explain(error))
    process.exitCode = 1
  }
}

function explain(error: unknown): string {
  const chain = causes(error)
  const codes = chain.map((one) => String((one as { code?: unknown }).code))
  if (codes.some((code) => untrusted.has(code))) {
    return 'The certificate of the gateway is not trusted here: set NODE_EXTRA_CA_CERTS to the ca.pem that `pnpm dev:https` names.'
  }
  if (codes.includes('ECONNREFUSED')) return 'Nothing answers there. Is `pnpm dev:https` running?'
  const messages = chain.filter((one) => one instanceof Error).map(({ message }) => message)
  // Many errors repeat the message of their cause.
  return messages.filter((one, index) => !messages[index - 1]?.includes(one)).join(': ')
}

/** The error and what caused it; a handful is enough, should they lead in a circle. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let next = error; next !== undefined && chain.length < 5; ) {
    chain.push(next)
    next = next instanceof Error ? next.cause : undefined
  }
  return chain
}
