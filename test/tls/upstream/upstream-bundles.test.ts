import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSealedStore } from '../../../src/store/sealed-store.ts'
import { loadSealingKey } from '../../../src/store/sealing-key.ts'
import { createBundleSigningKeys } from '../../../src/tls/upstream/bundle-signing-keys.ts'
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
    delete: (collection: string, key: string) =>
      run((database) =>
        database
          .prepare('DELETE FROM documents WHERE collection = ? AND key = ?')
          .run(collection, key),
      ),
  }
}

async function everythingStored(folder: string): Promise<string> {
  const names = await readdir(folder)
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))).join('')
}

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

  it('keeps what was added at the same time', async () => {
    const { bundles } = await openLab()
    await Promise.all([
      bundles.add('intranet', pem(root), change),
      bundles.add('intranet', pem(other), change),
      bundles.add('second', pem(other), change),
    ])
    expect((await bundles.read('intranet'))?.ca).toHaveLength(2)
    expect(await bundles.list()).toHaveLength(2)
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
  type Document = { keyId: string; payload: string; signature: string; format: number }
  const edit = (edits: (document: Document) => unknown) => async (lab: Lab) => {
    const file = documents(lab)
    const document = JSON.parse(file.read('upstream-ca', 'intranet')) as Document
    file.write('upstream-ca', 'intranet', JSON.stringify(edits(document)))
  }

  it.each<[string, string, (lab: Lab) => Promise<unknown> | unknown]>([
    [
      'has a certificate of somebody else',
      'it was changed since it was signed',
      edit((document) => {
        const [mine, foreign] = [root.pem, other.pem].map((text) => JSON.stringify(text))
        const payload = document.payload.replace(String(mine), String(foreign))
        expect(payload).not.toBe(document.payload)
        return { ...document, payload }
      }),
    ],
    [
      'has one byte changed',
      'it was changed since it was signed',
      edit((document) => ({ ...document, payload: `${document.payload} ` })),
    ],
    [
      'has another signature',
      'it was changed since it was signed',
      edit((document) => ({ ...document, signature: Buffer.alloc(64).toString('base64url') })),
    ],
    [
      'has an empty signature',
      'it was changed since it was signed',
      edit((document) => ({ ...document, signature: '' })),
    ],
    [
      'has no signature',
      'it carries no signature',
      edit(({ payload, keyId }) => ({ format: 1, payload, keyId })),
    ],
    [
      'is bare content',
      'it carries no signature',
      edit(({ payload }) => JSON.parse(payload).content),
    ],
    [
      'names another key',
      'a key that is no longer ours',
      edit((document) => ({ ...document, keyId: '0000000000000000' })),
    ],
    [
      'is no JSON any more',
      'it carries no signature',
      (lab) => documents(lab).write('upstream-ca', 'intranet', '{"format'),
    ],
    [
      'is that of another server',
      'it was signed for another place',
      (lab) => {
        const file = documents(lab)
        file.write('upstream-ca', 'intranet', file.read('upstream-ca', 'second'))
      },
    ],
    [
      'was taken out',
      'it was taken out of the state file',
      (lab) => documents(lab).delete('upstream-ca', 'intranet'),
    ],
    [
      'was taken out of the list',
      'the list of all bundles lacks it',
      (lab) => documents(lab).delete('upstream-ca-manifest', 'current'),
    ],
    [
      'is in a list that was changed',
      'the list of all bundles cannot be believed: it was changed',
      (lab) => {
        const file = documents(lab)
        const text = file.read('upstream-ca-manifest', 'current')
        file.write('upstream-ca-manifest', 'current', text.replace('second', 'secand'))
      },
    ],
    [
      'is in a list put where a bundle was',
      'it was signed for another place',
      (lab) => {
        const file = documents(lab)
        file.write('upstream-ca', 'intranet', file.read('upstream-ca-manifest', 'current'))
      },
    ],
    ['lost its keys', 'a key that is no longer ours', (lab) => rm(lab.keyFile)],
    [
      'was signed with keys of somebody else',
      'a key that is no longer ours',
      async (lab) => {
        await rm(lab.keyFile)
        await createBundleSigningKeys(lab.keyFile).signing()
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
    }
  })

  it('at any place is refused, or is the same as before', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const file = documents(lab)
    const places = ['upstream-ca intranet', 'upstream-ca-manifest current'].map((place) => {
      const [collection = '', key = ''] = place.split(' ')
      return { collection, key, text: file.read(collection, key) }
    })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.nat(), fc.nat(125), async (place, at, by) => {
        const { collection, key, text } = place
        const index = at % text.length
        const other = String.fromCharCode(32 + ((text.charCodeAt(index) + by) % 95))
        file.write(collection, key, text.slice(0, index) + other + text.slice(index + 1))
        const read = await lab.bundles.read('intranet').catch((error) => error.code)
        file.write(collection, key, text)
        if (read !== 'CA_BUNDLE_REFUSED') expect(read).toEqual({ ca: [root.pem] })
        return other === text[index] || read === 'CA_BUNDLE_REFUSED' || index > text.length - 4
      }),
      { numRuns: 200 },
    )
  })

  it('is refused in the version before the current one', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const earlier = documents(lab).read('upstream-ca', 'intranet')
    await lab.bundles.replace('intranet', pem(other), change)
    documents(lab).write('upstream-ca', 'intranet', earlier)
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject(
      refused('an earlier one was put in its place'),
    )
  })

  it.each(['replace', 'remove'] as const)(
    'is cured by %s, and its neighbour is not harmed',
    async (cure) => {
      const lab = await openLab()
      await lab.bundles.add('intranet', pem(root), change)
      await lab.bundles.add('second', pem(other), change)
      await edit((document) => ({ ...document, signature: '' }))(lab)
      if (cure === 'replace') await lab.bundles.replace('intranet', pem(root), change)
      else await lab.bundles.remove('intranet', change)
      const expected = cure === 'replace' ? { ca: [root.pem] } : undefined
      expect(await lab.bundles.read('intranet')).toEqual(expected)
      expect(await lab.bundles.read('second')).toEqual({ ca: [other.pem] })
      expect(await lab.bundles.audit('intranet')).toMatchObject([{ before: 'refused' }, {}])
    },
  )

  it('together with its list is cured one server at a time', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    await lab.bundles.add('second', pem(other), change)
    await rm(lab.keyFile)
    await expect(lab.bundles.read('third')).rejects.toMatchObject({ code: 'CA_BUNDLE_REFUSED' })
    await lab.bundles.replace('second', pem(other), change)
    expect(await lab.bundles.read('second')).toEqual({ ca: [other.pem] })
    expect(await lab.bundles.read('third')).toBeUndefined()
    expect((await lab.bundles.list()).map(({ state }) => state)).toEqual(['refused', 'good'])
  })
})

describe('the signing keys', () => {
  it('are kept in a file of mode 0600, and refused when others can read it', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    expect((await stat(lab.keyFile)).mode & 0o777).toBe(0o600)
    await chmod(lab.keyFile, 0o644)
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      hint: expect.stringContaining('chmod 600'),
    })
  })

  it.each(['{}', '{"keys":[]}', '{"keys":[{"kty":"EC"}]}', 'x'])('are not %s', async (text) => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    await writeFile(lab.keyFile, text)
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  })

  it('rotate while what they signed stays good, also for a process that runs', async () => {
    const lab = await openLab()
    const running = await lab.again()
    await lab.bundles.add('intranet', pem(root), change)
    await running.bundles.read('intranet')
    for (let turn = 0; turn < 3; turn++) {
      expect((await lab.bundles.rotateKeys(change)).resigned).toEqual(['intranet'])
      expect(await running.bundles.read('intranet')).toEqual({ ca: [root.pem] })
    }
    const { keys } = JSON.parse(await readFile(lab.keyFile, 'utf8'))
    expect(keys).toHaveLength(2)
  })

  it('verify what the previous one signed, and no longer what the one before it did', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    const file = documents(lab)
    const stored = ['upstream-ca intranet', 'upstream-ca-manifest current'].map((place) => {
      const [collection = '', key = ''] = place.split(' ')
      return [collection, key, file.read(collection, key)] as const
    })
    const putBack = () => {
      for (const [collection, key, value] of stored) file.write(collection, key, value)
    }
    const keys = createBundleSigningKeys(lab.keyFile)
    await keys.rotate()
    putBack()
    expect(await lab.bundles.read('intranet')).toEqual({ ca: [root.pem] })
    await keys.rotate()
    putBack()
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject(
      refused('signed with a key that is no longer ours'),
    )
  })

  it('do not make good again what was refused', async () => {
    const lab = await openLab()
    await lab.bundles.add('intranet', pem(root), change)
    documents(lab).write('upstream-ca', 'intranet', '{}')
    expect((await lab.bundles.rotateKeys(change)).resigned).toEqual([])
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject(refused('no signature'))
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
    const stored = await everythingStored(lab.folder)
    expect(stored).toContain('upstream-client-keys')
    for (const line of client.keyPem.split('\n').slice(1, -2)) expect(stored).not.toContain(line)
  })

  it('goes, with its key, when it is replaced or removed', async () => {
    const lab = await openLab()
    const next = await issue({ name: 'bob', issuer: intermediate, ca: false })
    await lab.bundles.setClientCertificate('intranet', pair(), change)
    await lab.bundles.setClientCertificate('intranet', pair(next, next), change)
    expect((await lab.bundles.read('intranet'))?.clientCertificate?.cert).toBe(next.pem)
    const sealed = createSealedStore(
      lab.store,
      await loadSealingKey({ home: lab.folder, secret: undefined }),
    )
    expect(await sealed.get('upstream-client-keys', 'intranet')).toHaveLength(1)
    expect(await lab.bundles.removeClientCertificate('intranet', change)).toBe(true)
    expect(await lab.bundles.removeClientCertificate('intranet', change)).toBe(false)
    expect(await lab.bundles.read('intranet')).toBeUndefined()
    expect(await lab.store.get('upstream-client-keys', 'intranet')).toBeUndefined()
  })

  it('leaves no key behind when a refused bundle is removed', async () => {
    const lab = await openLab()
    await lab.bundles.setClientCertificate('intranet', pair(), change)
    documents(lab).write('upstream-ca', 'intranet', '{}')
    await lab.bundles.remove('intranet', change)
    expect(await lab.store.get('upstream-client-keys', 'intranet')).toBeUndefined()
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
    const { bundles, folder } = await openLab()
    const outcome = await bundles.setClientCertificate('intranet', await files(), change)
    expect(outcome).toMatchObject({ accepted: false, stored: false, bundle: undefined })
    const findings = outcome.files.flatMap(({ certificates }) => certificates)
    expect(findings.map((finding) => finding.verdict)).toContain(verdict)
    expect(JSON.stringify(outcome.files)).toContain(message)
    expect(await everythingStored(folder)).not.toContain('upstream-client-keys')
  })

  it.each(['pkcs8', 'sec1'] as const)('takes its key as DER in %s', async (type) => {
    const { bundles } = await openLab()
    const key = fileOf('me.der', client.key.export({ type, format: 'der' }))
    const cert = fileOf('me.cer', client.der)
    await bundles.setClientCertificate('intranet', { cert, key }, change)
    expect((await bundles.read('intranet'))?.clientCertificate?.key).toBe(client.keyPem)
  })

  it('whose key was taken out refuses the connection', async () => {
    const lab = await openLab()
    await lab.bundles.setClientCertificate('intranet', pair(), change)
    documents(lab).delete('upstream-client-keys', 'intranet')
    await expect(lab.bundles.read('intranet')).rejects.toMatchObject(
      refused('the key of its client certificate was taken out'),
    )
    expect(await lab.bundles.describe('intranet')).toMatchObject({ state: 'refused' })
  })
})
