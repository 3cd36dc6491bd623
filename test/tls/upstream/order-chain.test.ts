import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderChain } from '../../../src/tls/upstream/order-chain.ts'
import { ecKey, type Issued, issue } from './lab.ts'

/** Two roots of three levels each, a lone intermediate, and a pair that signed each other. */
async function issueForest() {
  const key = ecKey()
  const rootA = await issue({ name: 'Root A', key })
  const midA = await issue({ name: 'Mid A', issuer: rootA, key })
  const lowA = await issue({ name: 'Low A', issuer: midA, key: ecKey() })
  const rootB = await issue({ name: 'Root B' })
  const midB = await issue({ name: 'Mid B', issuer: rootB })
  const crossed = await issue({ name: 'Mid B', issuer: rootA, key: midB.key })
  const lowB = await issue({ name: 'Low B', issuer: midB })
  const absent = await issue({ name: 'Absent' })
  const orphan = await issue({ name: 'Orphan', issuer: absent })
  const child = await issue({ name: 'Child', issuer: orphan })
  return [rootA, midA, lowA, rootB, midB, crossed, lowB, orphan, child]
}

const forest = await issueForest()
const certificatesOf = (issued: readonly Issued[]) =>
  issued.map(({ pem }) => new X509Certificate(pem))
const subjects = (certificates: readonly X509Certificate[]) =>
  certificates.map(({ subject }) => subject)

/** An issuer by the book, without what the rule under test uses to find it. */
function isIssuer(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.subject === certificate.issuer && certificate.verify(issuer.publicKey)
}

describe('orderChain', () => {
  it('gives one order, whatever order the certificates come in', () => {
    const expected = subjects(orderChain(certificatesOf(forest)).certificates)
    fc.assert(
      fc.property(fc.shuffledSubarray(forest, { minLength: forest.length }), (shuffled) => {
        expect(subjects(orderChain(certificatesOf(shuffled)).certificates)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
    expect(expected).toEqual([
      'CN=Root A',
      'CN=Root B',
      'CN=Mid A',
      'CN=Mid B',
      'CN=Mid B',
      'CN=Low A',
      'CN=Low B',
      'CN=Orphan',
      'CN=Child',
    ])
  })

  it('puts roots first, an issuer before what it signed, and names exactly what is missing', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(forest), (chosen) => {
        const { certificates, missing } = orderChain(certificatesOf(chosen))
        expect(certificates.map(String).toSorted()).toEqual(
          certificatesOf(chosen).map(String).toSorted(),
        )
        const isRoot = certificates.map((one) => isIssuer(one, one))
        expect(
          isRoot.indexOf(false) === -1 || !isRoot.slice(isRoot.indexOf(false)).includes(true),
        ).toBe(true)
        const orphans = certificates.filter((one) => !certificates.some((by) => isIssuer(by, one)))
        expect(missing.map(({ subject }) => subject)).toEqual(subjects(orphans))
        for (const [index, one] of certificates.entries()) {
          if (isRoot[index] || orphans.includes(one)) continue
          expect(certificates.slice(0, index).some((by) => isIssuer(by, one))).toBe(true)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('names an issuer that is absent', async () => {
    const root = await issue({ name: 'Far Root' })
    const mid = await issue({ name: 'Mid', issuer: root })
    expect(orderChain(certificatesOf([mid])).missing).toEqual([
      {
        subject: 'CN=Mid',
        issuer: 'CN=Far Root',
        reason: 'absent',
        message: 'The issuer CN=Far Root of CN=Mid is not in the bundle.',
      },
    ])
  })

  it('tells an issuer from another authority of its name by key, not by name', async () => {
    const root = await issue({ name: 'Root' })
    const namesake = await issue({ name: 'Root' })
    const mid = await issue({ name: 'Mid', issuer: root })
    const { missing } = orderChain(certificatesOf([mid, namesake]))
    expect(missing).toMatchObject([{ subject: 'CN=Mid', reason: 'other-key' }])
    expect(orderChain(certificatesOf([mid, namesake, root])).missing).toEqual([])
  })

  it('survives authorities that signed each other', async () => {
    const a = await issue({ name: 'A' })
    const b = await issue({ name: 'B' })
    const aByB = await issue({ name: 'A', key: a.key, issuer: b })
    const bByA = await issue({ name: 'B', key: b.key, issuer: a })
    const { certificates, missing } = orderChain(certificatesOf([bByA, aByB]))
    expect(certificates).toHaveLength(2)
    expect(missing).toEqual([])
  })
})
