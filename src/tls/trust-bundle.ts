import { authorityName } from './authority-name.ts'

/**
 * Joins roots (PEM) and the authority's certificate into one PEM file, each certificate once, the
 * authority last. Other authorities of ours are left out: the roots may come from a bundle of an
 * earlier one that has been replaced.
 */
export function formatTrustBundle(roots: readonly string[], authorityPem: string): string {
  const certificates = new Map(roots.map((pem) => [base64Of(pem), pem]))
  certificates.delete(base64Of(authorityPem))
  const others = [...certificates].filter(([base64]) => !isOurs(base64)).map(([, pem]) => pem)
  return [...others, authorityPem].map((pem) => `${pem.trim()}\n`).join('')
}

function base64Of(pem: string): string {
  return pem.replace(/-----(BEGIN|END) CERTIFICATE-----|\s/g, '')
}

// The name stands in the subject as it is; parsing some 200 certificates would take 20 ms.
function isOurs(base64: string): boolean {
  return Buffer.from(base64, 'base64').includes(authorityName)
}
