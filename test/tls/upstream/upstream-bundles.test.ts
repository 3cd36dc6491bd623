import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto'
import { chmod, copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSealedStore } from '../../../src/store/sealed-store.ts'
import { loadSealingKey } from '../../../src/store/sealing-key.ts'
import { change, openLab } from './bundle-lab.ts'
import { fileOf, type Issued, issue, issueChain } from './lab.ts'

type Lab = Awaited<ReturnType<typeof openLab>>

let root: Issued
let intermediate: Issued
let client: Issued
let other: Issued

beforeAll(async () => {
  ;({ root, intermediate } = await issueChain())
  other = await issue({ name: 'Other Root' })
  client = await issue({
    name: 'ada',
    issuer: intermediate,
    ca: false,
    usages: ['1.3.6.1.5.5.7.3.2'],
  })
})

const pem = (...issued: Issued[]) => issued.map((one) => fileOf(`${one.name}.pem`, one.pem))
const pair = (cert = client, key = client) => ({
  cert: fileOf('me.pem', cert.pem),
  key: fileOf('me.key', key.keyPem),
})

/** The documents of the state file, as somebody with a SQLite shell has them. */
function documents({ folder }: Lab) {
  const open = () => new DatabaseSync(join(folder, 'state.sqlite'))
  const run = <T>(task: (database: DatabaseSync) => T): T => {
    const database = open()
    try {
      return task(database)
    } finally {
      database.close()
    }
  }
  return {
    read: (collection: string, key: string): string =>
      run((database) =>
        String(
          database
            .prepare('SELECT value FROM documents WHERE collection = ? AND key = ?')
            .get(collection, key)?.value,
        ),
      ),
    write: (collection: string, key: string, value: string) =>
      run((database) =>
        database
          .prepare('UPDATE documents SET value = ? WHERE collection = ? AND key = ?')
          .run(value, collection, key),
      ),
  }
}

async function everythingStored(folder: string): Promise<string> {
  const names = await readdir(folder)
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))).join('')
}

/** The signed text of a server, in its three parts. */
function partsOf(lab: Lab, server = 'intranet') {
  const jws = JSON.parse(documents(lab).read('upstream-ca', server)) as string
  const [header = '', payload = '', signature = ''] = jws.split('.')
  return { header, payload, signature }
}

const decode = (part: string) => Buffer.from(part, 'base64url').toString()
const encode = (text: string) => Buffer.from(text).toString('base64url')

const refused = (reason: string) => ({
  code: 'CA_BUNDLE_REFUSED',
  message: expect.stringContaining(reason),
  hint: expect.stringContaining('pnpm sallyport ca add intranet --replace'),
})

describe('a bundle', () => {
  it('is read as it was stored, roots first, also by another process', async () => {
    const lab = await openLab()
    const { accepted, stored, bundle } = await lab.bundles.add(
      'intranet',
      pem(intermediate, root),
      change,
    )
    expect({ accepted, stored }).toEqual({ accepted: true, stored: true })
    expect(bundle).toMatchObject({
      state: 'good',
      certificates: [
        { kind: 'root', subject: 'CN=Lab Root', daysLeft: 364 },
        { kind: 'intermediate', subject: 'CN=Lab Issuing CA', issuer: 'CN=Lab Root' },
      ],
      missing: [],
      changed: change,
    })
    const { bundles } = await lab.again()
    expect(await bundles.read('intranet')).toEqual({ ca: [root.pem, intermediate.pem] })
    expect(await bundles.read('another')).toBeUndefined()
    expect((await bundles.list()).map(({ server }) => server)).toEqual(['intranet'])
  })

  it('is not changed at all when one of several files is refused', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const files = [...pem(other), fileOf('key.pem', client.keyPem)]
    for (const put of [lab.bundles.add, lab.bundles.replace]) {
      const outcome = await put('intranet', files, change)
      expect(outcome).toMatchObject({ accepted: false, stored: false })
      expect(outcome.files.map(({ accepted }) => accepted)).toEqual([true, false])
    }
    const withPair = { mode: 'add', files: pem(other), clientCertificate: pair(client, other) }
    const { accepted } = await lab.bundles.put('intranet', withPair as never, change)
    expect(accepted).toBe(false)
    expect(await lab.bundles.read('intranet')).toEqual({ ca: [root.pem] })
    expect(await everythingStored(lab.folder)).not.toContain(client.keyPem.split('\n')[1])
    const audit = await lab.bundles.audit()
    expect(audit.map(({ action }) => action)).toEqual(['refuse', 'refuse', 'refuse', 'add'])
  })

  it('is added to, replaced and removed, and names what is missing', async () => {
    const { bundles } = await openLab()
    expect(
      (await bundles.add('intranet', pem(intermediate), change)).bundle?.missing,
    ).toMatchObject([{ subject: 'CN=Lab Issuing CA', issuer: 'CN=Lab Root', reason: 'absent' }])
    expect((await bundles.add('intranet', pem(root), change)).bundle?.missing).toEqual([])
    expect(await bundles.add('intranet', pem(root), change)).toMatchObject({
      accepted: true,
      stored: false,
    })
    await bundles.replace('intranet', pem(other), change)
    expect(await bundles.read('intranet')).toEqual({ ca: [other.pem] })
    expect(await bundles.remove('intranet', change)).toBe(true)
    expect(await bundles.remove('intranet', change)).toBe(false)
    expect(await bundles.read('intranet')).toBeUndefined()
    expect(await bundles.list()).toEqual([])
  })

  it('keeps what was added at the same time, also by another process', async () => {
    const lab = await openLab()
    const { bundles } = lab
    const another = await lab.again()
    await Promise.all([
      bundles.add('intranet', pem(root), change),
      bundles.add('intranet', pem(other), change),
      another.bundles.add('intranet', pem(intermediate), change),
      another.bundles.add('second', pem(other), change),
    ])
    expect((await bundles.read('intranet'))?.ca).toHaveLength(3)
    expect(await bundles.list()).toHaveLength(2)
    expect(await bundles.audit()).toHaveLength(4)
  })

  it('may have any name a server may have', async () => {
    const { bundles } = await openLab()
    for (const name of ['__proto__', 'constructor', 'a b', 'ü"\'']) {
      await bundles.add(name, pem(root), change)
      expect(await bundles.read(name)).toEqual({ ca: [root.pem] })
    }
    expect(await bundles.read('toString')).toBeUndefined()
  })
})

describe('a change', () => {
  it('is noted with who, when, from where, and the fingerprints before and after', async () => {
    const { bundles } = await openLab()
    const started = Date.now()
    const first = await bundles.add('intranet', pem(root), change)
    const admin = { by: 'admin session', from: '127.0.0.1' }
    const second = await bundles.replace('intranet', pem(other), admin)
    await bundles.add('second', pem(root), change)
    await bundles.remove('intranet', change)
    const entries = await bundles.audit('intranet')
    const fingerprint = [first, second].map(({ bundle }) => bundle?.fingerprint)
    expect(fingerprint[0]).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    expect(entries).toMatchObject([
      { action: 'remove', before: fingerprint[1], ...change },
      { action: 'replace', before: fingerprint[0], after: fingerprint[1], ...admin },
      { action: 'add', after: fingerprint[0], ...change },
    ])
    expect(entries.every(({ at }) => at >= started && at <= Date.now())).toBe(true)
    expect(await bundles.audit()).toHaveLength(4)
  })

  it('is forgotten after a thousand others', async () => {
    const { bundles, store } = await openLab()
    const entry = { at: 0, server: 'x', action: 'add', by: 'x', from: 'x' }
    await store.set(
      'upstream-ca-audit',
      'log',
      Array.from({ length: 1000 }, () => entry),
    )
    await bundles.add('intranet', pem(root), change)
    const entries = await bundles.audit()
    expect(entries).toHaveLength(1000)
    expect(entries[0]?.server).toBe('intranet')
  })
})

describe('a bundle that was tampered with', () => {
  type Parts = ReturnType<typeof partsOf>
  const edit = (edits: (parts: Parts) => Partial<Parts>) => (lab: Lab) => {
    const parts = partsOf(lab)
    const { header, payload, signature } = { ...parts, ...edits(parts) }
    write(lab, `${header}.${payload}.${signature}`)
  }
  const write = (lab: Lab, document: unknown) =>
    documents(lab).write('upstream-ca', 'intranet', JSON.stringify(document))
  const withHeader = (header: object) => edit(() => ({ header: encode(JSON.stringify(header)) }))

  it.each<[string, string, (lab: Lab) => Promise<unknown> | unknown]>([
    [
      'has a certificate of somebody else',
      'it was changed since it was signed',
      edit(({ payload }) => {
        const [mine, foreign] = [root.pem, other.pem].map((text) => JSON.stringify(text))
        const changed = encode(decode(payload).replace(String(mine), String(foreign)))
        expect(changed).not.toBe(payload)
        return { payload: changed }
      }),
    ],
    [
      'has one byte changed',
      'it was changed since it was signed',
      edit(({ payload }) => ({ payload: encode(`${decode(payload)} `) })),
    ],
    [
      'has another signature',
      'it was changed since it was signed',
      edit(() => ({ signature: Buffer.alloc(64).toString('base64url') })),
    ],
    [
      'has an empty signature',
      'it was changed since it was signed',
      edit(() => ({ signature: '' })),
    ],
    [
      'has no signature',
      'it carries no signature',
      (lab) => write(lab, [partsOf(lab).header, partsOf(lab).payload].join('.')),
    ],
    [
      'says that it needs no signature',
      'it carries no signature',
      withHeader({ alg: 'none', kid: 'x' }),
    ],
    ['says that it has a MAC', 'it carries no signature', withHeader({ alg: 'HS256', kid: 'x' })],
    [
      'is bare content',
      'it carries no signature',
      (lab) => write(lab, JSON.parse(decode(partsOf(lab).payload))),
    ],
    [
      'names another key',
      'a key that is no longer ours',
      withHeader({ alg: 'EdDSA', kid: '0000000000000000' }),
    ],
    [
      'is no JSON any more',
      'it carries no signature',
      (lab) => documents(lab).write('upstream-ca', 'intranet', '{"format'),
    ],
    ['is nothing', 'it carries no signature', (lab) => write(lab, null)],
    [
      'is that of another server',
      'it was signed for another server',
      (lab) => {
        const file = documents(lab)
        file.write('upstream-ca', 'intranet', file.read('upstream-ca', 'second'))
      },
    ],
    ['lost its key', 'a key that is no longer ours', (lab) => rm(lab.keyFile)],
    [
      'was signed with the key of somebody else',
      'a key that is no longer ours',
      async (lab) => {
        const theirs = await openLab()
        await theirs.bundles.add('intranet', pem(root), change)
        await copyFile(theirs.keyFile, lab.keyFile)
      },
    ],
  ])('%s, and refuses the connection', async (_, reason, tamper) => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    await lab.bundles.add('second', pem(other), change)
    await lab.bundles.read('intranet')
    await tamper(lab)
    for (const { bundles } of [lab, await lab.again()]) {
      await expect(bundles.read('intranet')).rejects.toMatchObject(refused(reason))
      await expect(bundles.add('intranet', pem(other), change)).rejects.toMatchObject(
        refused(reason),
      )
      expect(await bundles.describe('intranet')).toMatchObject({
        state: 'refused',
        problem: expect.stringContaining(reason),
        certificates: [],
      })
      const list = await bundles.list()
      expect(list.map(({ server }) => server)).toEqual(['intranet', 'second'])
      expect(list[0]?.state).toBe('refused')
    }
  })

  it('at any place is refused, or is the same as before', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const file = documents(lab)
    const text = file.read('upstream-ca', 'intranet')
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(125), async (at, by) => {
        const index = at % text.length
        const other = String.fromCharCode(32 + ((text.charCodeAt(index) + by) % 95))
        const changed = text.slice(0, index) + other + text.slice(index + 1)
        file.write('upstream-ca', 'intranet', changed)
        const read = await lab.bundles.read('intranet').catch((error) => error.code)
        if (read !== 'CA_BUNDLE_REFUSED') expect(read).toEqual({ ca: [root.pem] })
        return other === text[index] || read === 'CA_BUNDLE_REFUSED' || index > text.length - 4
      }),
      { numRuns: 200 },
    )
  })

  it.each(['replace', 'remove'] as const)(
    'is cured by %s, and its neighbour is not harmed',
    async (cure) => {
      const lab = await openLab()
      await lab.bundles.add('intranet', pem(root), change)
      await lab.bundles.add('second', pem(other), change)
      edit(() => ({ signature: '' }))(lab)
      if (cure === 'replace') await lab.bundles.replace('intranet', pem(root), change)
      else await lab.bundles.remove('intranet', change)
      const expected = cure === 'replace' ? { ca: [root.pem] } : undefined
      expect(await lab.bundles.read('intranet')).toEqual(expected)
      expect(await lab.bundles.read('second')).toEqual({ ca: [other.pem] })
      expect(await lab.bundles.audit('intranet')).toMatchObject([{ before: 'refused' }, {}])
    },
  )

  it('is cured one server at a time when the key was lost', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    await lab.bundles.add('second', pem(other), change)
    await rm(lab.keyFile)
    await lab.bundles.replace('second', pem(other), change)
    expect(await lab.bundles.read('second')).toEqual({ ca: [other.pem] })
    expect(await lab.bundles.read('third')).toBeUndefined()
    expect((await lab.bundles.list()).map(({ state }) => state)).toEqual(['refused', 'good'])
  })
})

describe('the signing key', () => {
  it('is kept in a file of mode 0600, and refused when others can read it', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    expect((await stat(lab.keyFile)).mode & 0o777).toBe(0o600)
    await chmod(lab.keyFile, 0o644)
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      hint: expect.stringContaining('chmod 600'),
    })
  })

  it.each(['{}', '{"keys":[]}', '{"keys":[{"kty":"EC"}]}', 'x'])('is not %s', async (text) => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    await writeFile(lab.keyFile, text)
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  })

  it('is replaced while what it signed stays good, also for a process that runs', async () => {
    const lab = await openLab()
    const running = await lab.again()
    await lab.bundles.add('intranet', pem(root), change)
    await running.bundles.read('intranet')
    for (let turn = 0; turn < 3; turn++) {
      expect((await lab.bundles.rotateKeys(change)).resigned).toEqual(['intranet'])
      expect(await running.bundles.read('intranet')).toEqual({ ca: [root.pem] })
    }
    const { keys } = JSON.parse(await readFile(lab.keyFile, 'utf8'))
    expect(keys).toHaveLength(1)
  })

  it('verifies nothing any more once it was replaced', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const file = documents(lab)
    const earlier = file.read('upstream-ca', 'intranet')
    await lab.bundles.rotateKeys(change)
    file.write('upstream-ca', 'intranet', earlier)
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject(
      refused('signed with a key that is no longer ours'),
    )
  })

  it('verifies beside the next one until everything was signed again', async () => {
    const [lab, another] = [await openLab(), await openLab()]
    await lab.bundles.add('intranet', pem(root), change)
    await another.bundles.add('intranet', pem(other), change)
    const keysIn = async (file: string) => JSON.parse(await readFile(file, 'utf8')).keys
    // As after a crash half way.
    const keys = [...(await keysIn(another.keyFile)), ...(await keysIn(lab.keyFile))]
    await writeFile(lab.keyFile, JSON.stringify({ keys }))
    expect(await lab.bundles.read('intranet')).toEqual({ ca: [root.pem] })
    await lab.bundles.rotateKeys(change)
    expect(await lab.bundles.read('intranet')).toEqual({ ca: [root.pem] })
    expect(await keysIn(lab.keyFile)).toHaveLength(1)
  })

  it('does not make good again what was refused', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    documents(lab).write('upstream-ca', 'intranet', '{}')
    expect((await lab.bundles.rotateKeys(change)).resigned).toEqual([])
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject(refused('no signature'))
  })
})

describe('a bundle that an earlier version kept', () => {
  /** Puts into the store what earlier versions did: a signature of another form, and keys apart. */
  async function keepEarlier(lab: Lab, edits: (payload: string) => string = (payload) => payload) {
    await lab.bundles.add('another', pem(other), change)
    const { keys } = JSON.parse(await readFile(lab.keyFile, 'utf8'))
    const keyId = createHash('sha256').update(keys[0].x).digest('hex').slice(0, 16)
    const changed = { ...change, at: 1 }
    const clientCertificate = client.pem
    const content = { server: 'intranet', ca: [root.pem], clientCertificate, changed, sequence: 7 }
    const payload = JSON.stringify({ place: JSON.stringify(['bundle', 'intranet']), content })
    const signature = sign(
      null,
      Buffer.from(`sallyport upstream trust v1\n${payload}`),
      createPrivateKey({ key: keys[0], format: 'jwk' }),
    ).toString('base64url')
    const document = { format: 1, keyId, payload: edits(payload), signature }
    await lab.store.set('upstream-ca', 'intranet', document)
    const sealingKey = await loadSealingKey({ home: lab.folder, secret: undefined })
    await createSealedStore(lab.store, sealingKey).set('upstream-client-keys', 'intranet', [
      [new X509Certificate(client.pem).fingerprint256, client.keyPem],
    ])
  }
  const clientCertificate = () => ({ cert: client.pem, key: client.keyPem })

  it('is read, and kept as all others once it is changed', async () => {
    const lab = await openLab()
    await keepEarlier(lab)
    const kept = { ca: [root.pem], clientCertificate: clientCertificate() }
    expect(await lab.bundles.read('intranet')).toEqual(kept)
    expect(await lab.bundles.describe('intranet')).toMatchObject({ state: 'good', changed: change })
    await lab.bundles.add('intranet', pem(other), change)
    expect(partsOf(lab).signature).toMatch(/^.{86}$/)
    expect(await lab.store.get('upstream-client-keys', 'intranet')).toBeUndefined()
    expect(await lab.bundles.read('intranet')).toEqual({
      ca: expect.arrayContaining([root.pem, other.pem]),
      clientCertificate: clientCertificate(),
    })
  })

  it('is signed again as all others', async () => {
    const lab = await openLab()
    await keepEarlier(lab)
    expect((await lab.bundles.rotateKeys(change)).resigned).toEqual(['another', 'intranet'])
    expect(partsOf(lab).signature).toMatch(/^.{86}$/)
    expect(await lab.bundles.read('intranet')).toEqual({
      ca: [root.pem],
      clientCertificate: clientCertificate(),
    })
  })

  it('leaves no key behind when it is removed', async () => {
    const lab = await openLab()
    await keepEarlier(lab)
    expect(await lab.bundles.remove('intranet', change)).toBe(true)
    expect(await lab.store.get('upstream-client-keys', 'intranet')).toBeUndefined()
    expect(await lab.bundles.read('intranet')).toBeUndefined()
  })

  it.each<[string, string, (lab: Lab) => Promise<unknown> | unknown]>([
    [
      'was changed',
      'it was changed since it was signed',
      (lab) => keepEarlier(lab, (payload) => `${payload} `),
    ],
    [
      'is that of another server',
      'it was signed for another server',
      async (lab) => {
        await keepEarlier(lab)
        const document = await lab.store.get('upstream-ca', 'intranet')
        await lab.store.set('upstream-ca', 'second', document)
      },
    ],
    [
      'lost the key it was signed with',
      'a key that is no longer ours',
      async (lab) => {
        await keepEarlier(lab)
        await rm(lab.keyFile)
      },
    ],
    [
      'lost the key of its client certificate',
      'the key of its client certificate was taken out',
      async (lab) => {
        await keepEarlier(lab)
        await lab.store.delete('upstream-client-keys', 'intranet')
      },
    ],
  ])('and that %s is refused', async (_, reason, tamper) => {
    const lab = await openLab()
    await tamper(lab)
    const server = (await lab.store.get('upstream-ca', 'second')) ? 'second' : 'intranet'
    await expect(lab.bundles.read(server)).rejects.toMatchObject({
      code: 'CA_BUNDLE_REFUSED',
      message: expect.stringContaining(reason),
    })
  })
})

describe('a client certificate', () => {
  it('is kept with its chain, and its key is sealed', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const cert = fileOf('me.pem', intermediate.pem + client.pem)
    const files = { cert, key: fileOf('me.key', client.keyPem) }
    const { accepted, bundle } = await lab.bundles.setClientCertificate('intranet', files, change)
    expect(accepted).toBe(true)
    expect(bundle?.clientCertificate).toMatchObject({ subject: 'CN=ada' })
    expect(await (await lab.again()).bundles.read('intranet')).toEqual({
      ca: [root.pem],
      clientCertificate: { cert: client.pem + intermediate.pem, key: client.keyPem },
    })
    const payload = decode(partsOf(lab).payload)
    expect(payload).toContain('"sealed":1')
    const stored = payload + (await everythingStored(lab.folder))
    for (const line of client.keyPem.split('\n').slice(1, -2)) expect(stored).not.toContain(line)
  })

  it('goes, with its key, when it is replaced or removed', async () => {
    const lab = await openLab()
    const next = await issue({ name: 'bob', issuer: intermediate, ca: false })
    await lab.bundles.setClientCertificate('intranet', pair(), change)
    await lab.bundles.setClientCertificate('intranet', pair(next, next), change)
    expect((await lab.bundles.read('intranet'))?.clientCertificate?.cert).toBe(next.pem)
    expect(await lab.bundles.removeClientCertificate('intranet', change)).toBe(true)
    expect(await lab.bundles.removeClientCertificate('intranet', change)).toBe(false)
    expect(await lab.bundles.read('intranet')).toBeUndefined()
    expect(await lab.store.list('upstream-ca')).toEqual([])
  })

  const secret = { cipher: 'aes-256-cbc', passphrase: 'x' } as const
  it.each<[string, () => Promise<ReturnType<typeof pair>>, string, string]>([
    [
      'of another key',
      async () => pair(client, other),
      'unusable',
      'It does not belong to the key',
    ],
    [
      'that has expired',
      async () => {
        const old = await issue({
          name: 'ada',
          issuer: intermediate,
          ca: false,
          from: -9,
          until: -1,
        })
        return pair(old, old)
      },
      'expired',
      'It expired on',
    ],
    [
      'that is only for servers',
      async () => {
        const usages = ['1.3.6.1.5.5.7.3.1']
        const server = await issue({ name: 'srv', issuer: intermediate, ca: false, usages })
        return pair(server, server)
      },
      'unusable',
      'extended key usage',
    ],
    [
      'with its key in the same file',
      async () => ({ ...pair(), cert: fileOf('me.pem', client.pem + client.keyPem) }),
      'private-key',
      'a private key',
    ],
    [
      'with a key under a passphrase',
      async () => ({
        ...pair(),
        key: fileOf('me.key', client.key.export({ type: 'pkcs8', format: 'pem', ...secret })),
      }),
      'client',
      'protected by a passphrase',
    ],
    [
      'without a key',
      async () => ({ ...pair(), key: fileOf('k', client.pem) }),
      'client',
      'no PEM private key',
    ],
    [
      'without a certificate',
      async () => ({ ...pair(), cert: fileOf('a.pem', 'x') }),
      'malformed',
      'neither PEM',
    ],
  ])('%s is refused', async (_, files, verdict, message) => {
    const { bundles, store } = await openLab()
    const outcome = await bundles.setClientCertificate('intranet', await files(), change)
    expect(outcome).toMatchObject({ accepted: false, stored: false, bundle: undefined })
    const findings = outcome.files.flatMap(({ certificates }) => certificates)
    expect(findings.map((finding) => finding.verdict)).toContain(verdict)
    expect(JSON.stringify(outcome.files)).toContain(message)
    expect(await store.list('upstream-ca')).toEqual([])
  })

  it.each(['pkcs8', 'sec1'] as const)('takes its key as DER in %s', async (type) => {
    const { bundles } = await openLab()
    const key = fileOf('me.der', client.key.export({ type, format: 'der' }))
    const cert = fileOf('me.cer', client.der)
    await bundles.setClientCertificate('intranet', { cert, key }, change)
    expect((await bundles.read('intranet'))?.clientCertificate?.key).toBe(client.keyPem)
  })

  it.each([false, true])(
    'whose key was sealed with another key is refused (cured with a new one: %s)',
    async (withNew) => {
      const lab = await openLab()
      await lab.bundles.add('intranet', pem(root), change)
      await lab.bundles.setClientCertificate('intranet', pair(), change)
      await rm(join(lab.folder, 'sealing.key'))
      const { bundles } = await lab.again()
      await expect(bundles.read('intranet')).rejects.toMatchObject(
        refused('the key of its client certificate was sealed with another key than the one from'),
      )
      expect(await bundles.describe('intranet')).toMatchObject({ state: 'refused' })
      if (withNew) await bundles.setClientCertificate('intranet', pair(), change)
      else await bundles.replace('intranet', pem(root), change)
      const clientCertificate = { cert: client.pem, key: client.keyPem }
      expect(await bundles.read('intranet')).toEqual({
        ca: [root.pem],
        ...(withNew && { clientCertificate }),
      })
    },
  )
})
