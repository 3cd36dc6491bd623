import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { UploadedFile } from '../../../src/tls/upstream/certificate-file.ts'
import { judgeFiles } from '../../../src/tls/upstream/judge-files.ts'
import { fileOf, type Issued, issue, issueChain, rsaKey } from './lab.ts'
import { md5Root, p192Root } from './weak-roots.ts'

const now = Date.now()
const later = Date.parse('2030-01-01')
const megabytes = 1024 * 1024

let root: Issued
let intermediate: Issued
let leaf: Issued

beforeAll(async () => {
  ;({ root, intermediate, leaf } = await issueChain())
})

/** Verdicts of one file, and the first message. */
function judge(file: UploadedFile, at = now) {
  const { accepted, files, fresh } = judgeFiles([file], { known: [], now: at })
  const findings = files[0]?.certificates ?? []
  return {
    accepted,
    verdicts: findings.map(({ verdict }) => verdict),
    message: findings[0]?.message,
    line: findings[0]?.line,
    fresh: fresh.length,
  }
}

describe('an accepted file', () => {
  it.each<[string, () => UploadedFile, string[]]>([
    ['PEM', () => fileOf('a.pem', root.pem), ['root']],
    ['PEM with CRLF', () => fileOf('a.crt', root.pem.replaceAll('\n', '\r\n')), ['root']],
    [
      'PEM with old Mac line ends',
      () => fileOf('a.crt', root.pem.replaceAll('\n', '\r')),
      ['root'],
    ],
    ['PEM with a byte order mark', () => fileOf('a.cer', `\ufeff${root.pem}`), ['root']],
    ['PEM in UTF-16', () => fileOf('a.cer', Buffer.from(`\ufeff${root.pem}`, 'utf16le')), ['root']],
    ['PEM behind other text', () => fileOf('a.cert', `subject=CN\n\n${root.pem}bye`), ['root']],
    ['indented PEM', () => fileOf('a.pem', root.pem.replaceAll(/^/gm, '    ')), ['root']],
    ['PEM without a last line feed', () => fileOf('a.pem', root.pem.trim()), ['root']],
    ['DER', () => fileOf('A.CER', root.der), ['root']],
    ['DER in a .pem file', () => fileOf('a.pem', root.der), ['root']],
    ['PEM in a .cer file', () => fileOf('a.cer', root.pem), ['root']],
    [
      'several certificates',
      () => fileOf('a.pem', intermediate.pem + root.pem),
      ['intermediate', 'root'],
    ],
    [
      'several certificates in DER',
      () => fileOf('a.cer', Buffer.concat([root.der, intermediate.der])),
      ['root', 'intermediate'],
    ],
    ['the same twice', () => fileOf('a.pem', root.pem + root.pem), ['root', 'duplicate']],
    [
      'exactly 10 MB',
      () => fileOf('a.pem', root.pem + ' '.repeat(10 * megabytes - root.pem.length)),
      ['root'],
    ],
  ])('may be %s', (_, file, verdicts) => {
    const judged = judge(file())
    expect(judged).toMatchObject({ accepted: true, verdicts })
    expect(judged.fresh).toBe(new Set(verdicts.filter((one) => one !== 'duplicate')).size)
  })

  it('is not counted again when it is kept already, or came in another file', async () => {
    const files = [fileOf('a.pem', root.pem), fileOf('b.crt', root.der)]
    const { accepted, files: verdicts, fresh } = judgeFiles(files, { known: [], now })
    expect(accepted).toBe(true)
    expect(verdicts.map(({ certificates }) => certificates[0]?.verdict)).toEqual([
      'root',
      'duplicate',
    ])
    expect(judgeFiles(files, { known: fresh, now }).fresh).toEqual([])
  })
})

describe('a certificate', () => {
  const verdictOf = async (wanted: Parameters<typeof issue>[0], at = now) =>
    judge(fileOf('a.pem', (await issue(wanted)).pem), at)

  it.each<[string, string, Parameters<typeof issue>[0], string]>([
    ['a server', 'not-a-ca', { name: 'x', ca: false }, 'signed with its own key'],
    ['what has expired', 'expired', { name: 'x', from: -9, until: -1 }, 'It expired on'],
    ['what is for later', 'not-yet-valid', { name: 'x', from: 1 }, 'It is not valid before'],
    ['RSA of 1024 bits', 'too-weak', { name: 'x', key: rsaKey(1024) }, 'RSA key has 1024 bits'],
    [
      'a SHA-1 signature',
      'too-weak',
      { name: 'x', key: rsaKey(2048), hash: 'SHA-1' },
      'it is signed with SHA-1',
    ],
  ])('of %s is %s, and refused', async (_, verdict, wanted, message) => {
    const judged = await verdictOf(wanted)
    expect(judged).toMatchObject({ accepted: false, verdicts: [verdict], fresh: 0 })
    expect(judged.message).toContain(message)
  })

  it.each([
    ['an MD5 signature', md5Root, 'it is signed with MD5'],
    ['a small curve', p192Root, 'its key is on the small curve prime192v1'],
  ])('with %s is too weak, and refused', (_, pem, message) => {
    const judged = judge(fileOf('a.pem', pem), later)
    expect(judged).toMatchObject({ accepted: false, verdicts: ['too-weak'] })
    expect(judged.message).toContain(message)
  })

  it('with 2048 bits, or valid to this second, is accepted', async () => {
    expect(await verdictOf({ name: 'x', key: rsaKey(2048) })).toMatchObject({ accepted: true })
    const { pem } = await issue({ name: 'x', until: 1 })
    const end = Date.parse(new X509Certificate(pem).validTo)
    expect(judge(fileOf('a.pem', pem), end).verdicts).toEqual(['root'])
    expect(judge(fileOf('a.pem', pem), end + 2_000).verdicts).toEqual(['expired'])
  })

  it('of a server that an authority issued is not one', () => {
    expect(judge(fileOf('a.pem', leaf.pem))).toMatchObject({ verdicts: ['not-a-ca'] })
  })

  it('is a root by its signature, not by its names', async () => {
    const forger = { ...(await issue({ name: 'other' })), name: 'Lab Root' }
    const forged = await issue({ name: 'Lab Root', issuer: forger })
    const judged = judge(fileOf('a.pem', forged.pem))
    expect(judged.verdicts).toEqual(['intermediate'])
    expect(judged.message).toContain('another key signed it')
  })
})

describe('a private key', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = rsaKey(2048)
  const secret = { cipher: 'aes-256-cbc', passphrase: 'x' } as const
  it.each<[string, () => string | Uint8Array]>([
    ['PKCS #8 PEM', () => ec.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['SEC 1 PEM', () => ec.export({ type: 'sec1', format: 'pem' }).toString()],
    ['PKCS #1 PEM', () => rsa.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['encrypted PEM', () => ec.export({ type: 'pkcs8', format: 'pem', ...secret }).toString()],
    ['PKCS #8 DER', () => ec.export({ type: 'pkcs8', format: 'der' })],
    ['SEC 1 DER', () => ec.export({ type: 'sec1', format: 'der' })],
    ['PKCS #1 DER', () => rsa.export({ type: 'pkcs1', format: 'der' })],
    ['encrypted DER', () => ec.export({ type: 'pkcs8', format: 'der', ...secret })],
    ['a key without its end', () => root.keyPem.replace(/-----END.*/, '')],
    ['a key without its beginning', () => root.keyPem.replace(/-----BEGIN.*/, '')],
    ['a key on one line', () => root.keyPem.replaceAll('\n', ' ')],
    [
      'a key that is called a certificate',
      () => root.keyPem.replaceAll('PRIVATE KEY', 'CERTIFICATE'),
    ],
    ['a key behind a certificate', () => root.pem + root.keyPem],
  ])('as %s is refused, and nothing of it is said', (_, content) => {
    const { accepted, files } = judgeFiles([fileOf('a.pem', content())], { known: [], now })
    expect(accepted).toBe(false)
    expect(files[0]?.certificates.at(-1)?.verdict).toBe('private-key')
    const said = JSON.stringify(files)
    for (const line of root.keyPem.split('\n').slice(1, -2)) expect(said).not.toContain(line)
  })

  it('is called a key whatever its file is called', () => {
    expect(judge(fileOf('me.key', root.keyPem)).verdicts).toEqual(['private-key'])
  })
})

describe('a malformed file', () => {
  const lines = () => root.pem.split('\n')
  const without = (index: number) => lines().toSpliced(index, 1).join('\n')
  it.each<[string, () => string | Uint8Array, number | undefined | (() => number), string]>([
    ['is empty', () => '', undefined, 'The file is empty'],
    ['is text', () => 'hello', 1, 'neither PEM nor DER'],
    ['is a web page', () => '<!DOCTYPE html><p>404', 1, 'a web page'],
    [
      'has a broken base64 line',
      () => lines().with(3, 'MII*').join('\n'),
      4,
      'Line 4 is not base64',
    ],
    [
      'has cut base64',
      () =>
        lines()
          .with(-3, (lines().at(-3) ?? '').slice(0, -3))
          .join('\n'),
      () => lines().length - 2,
      'cut off in or before line',
    ],
    ['lacks a line', () => without(3), 1, 'begins in line 1 is cut off: it has'],
    ['has no end', () => root.pem.replace(/-----END.*/, ''), 1, 'has no end: the file is cut off'],
    ['has no beginning', () => without(0), () => lines().length - 2, 'never began'],
    [
      'begins twice',
      () => `${lines().slice(0, 3).join('\n')}\n${root.pem}`,
      1,
      'another block begins in line 4',
    ],
    [
      'lost its line breaks',
      () => root.pem.replaceAll('\n', '\\n'),
      1,
      'the line breaks were lost',
    ],
    [
      'is a request',
      () => root.pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
      1,
      'a request for a certificate',
    ],
    [
      'is cut DER',
      () => root.der.subarray(0, 200),
      undefined,
      'The file is cut off: it has 200 of',
    ],
    ['is other DER', () => Buffer.from('3003020105', 'hex'), undefined, 'not an X.509 certificate'],
    ['is one byte of DER', () => Buffer.from('30', 'hex'), undefined, 'cut off'],
    ['has a BER length', () => Buffer.from('30800000', 'hex'), undefined, 'cut off'],
    [
      'goes on behind its certificate',
      () => Buffer.concat([root.der, Buffer.from('x')]),
      undefined,
      'cut off',
    ],
  ])('that %s is refused, with its line', (_, content, line, message) => {
    const { accepted, files } = judgeFiles([fileOf('a.pem', content())], { known: [], now })
    const finding = files[0]?.certificates.find(({ verdict }) => verdict === 'malformed')
    expect(accepted).toBe(false)
    expect(finding?.message).toContain(message)
    expect(finding?.line).toBe(typeof line === 'function' ? line() : line)
  })

  it('says all that is wrong, and what is right', () => {
    const text = `${root.pem}-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n${leaf.pem}`
    expect(judge(fileOf('a.pem', text)).verdicts).toEqual(['root', 'malformed', 'not-a-ca'])
  })
})

describe('the limits', () => {
  it('refuse 10 MB and one byte', () => {
    const file = fileOf('a.pem', root.pem + ' '.repeat(10 * megabytes + 1 - root.pem.length))
    expect(judge(file)).toMatchObject({ accepted: false, verdicts: ['too-large'] })
  })

  it.each(['a.p7b', 'a.txt', 'pem', 'a.pem.exe'])('refuse the file name %s', (name) => {
    expect(judge(fileOf(name, root.pem))).toMatchObject({ verdicts: ['wrong-type'], fresh: 0 })
  })

  it('show the last part of a name only', () => {
    const { files } = judgeFiles([fileOf('../../etc\\x.pem', root.pem)], { known: [], now })
    expect(files[0]?.file).toBe('x.pem')
  })

  it('bound what a bundle may hold', async () => {
    const key = root.key
    const many = await Promise.all(
      Array.from({ length: 501 }, (_, index) => issue({ name: `R${index}`, key })),
    )
    const pem = many.map((one) => one.pem)
    expect(judge(fileOf('a.pem', pem.slice(1).join(''))).accepted).toBe(true)
    const { accepted, files } = judgeFiles([fileOf('a.pem', pem.join(''))], { known: [], now })
    expect(accepted).toBe(false)
    expect(files[0]?.message).toContain('500 are the most')
  })

  it('hold for bytes of any kind: nothing throws', () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const bytes = Buffer.from(root.der)
      bytes[(seed * 7919) % bytes.length] = seed & 0xff
      expect(() => judge(fileOf('a.der.cer', bytes.subarray(0, 1 + (seed % 500))))).not.toThrow()
      expect(() => judge(fileOf('a.cer', bytes))).not.toThrow()
    }
  })
})
