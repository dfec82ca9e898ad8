import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { GitRepository } from '@flotilla/core/ports/git'
import type { SignaturePolicy, SigningKeys } from '@flotilla/core/project/source-integrity'
import * as openpgp from 'openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isomorphicBackend } from '../source/git/isomorphic-backend.ts'
import { FixtureRepository } from '../source/git/testing/fixture-repository.ts'
import { SourceIntegrity } from './source-integrity.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const DAY = 24 * 3_600_000
const run = promisify(execFile)

interface Person {
  readonly secret: openpgp.PrivateKey
  readonly armoured: string
  readonly id: string
}

async function person(
  name: string,
  more: { readonly keyExpirationTime?: number; readonly subkeys?: openpgp.SubkeyOptions[] } = {},
): Promise<Person> {
  const { privateKey } = await openpgp.generateKey({
    userIDs: [{ name, email: `${name}@example.com` }],
    date: new Date(NOW - 100 * DAY),
    format: 'object',
    ...more,
  })
  return {
    secret: privateKey,
    armoured: privateKey.toPublic().armor(),
    id: privateKey.getKeyID().toHex().toUpperCase(),
  }
}

/** The tests' own repository, whose commits are written to the byte. */
class SignedRepository {
  readonly fixture: FixtureRepository
  readonly repository: GitRepository
  #tree = ''

  private constructor(fixture: FixtureRepository, repository: GitRepository) {
    this.fixture = fixture
    this.repository = repository
  }

  static async make(): Promise<SignedRepository> {
    const fixture = await FixtureRepository.make()
    const first = await fixture.commit({ files: { 'a.yaml': 'a: 1\n' } })
    const repository = await isomorphicBackend().open(fixture.path, join(fixture.root, 'mirror'))
    const made = new SignedRepository(fixture, repository)
    made.#tree = await fixture.git('rev-parse', `${first}^{tree}`)
    return made
  }

  payload(parents: readonly string[], message: string): string {
    const who = 'Ann Example <ann@example.com> 1760000000 +0000'
    const above = parents.map(id => `parent ${id}\n`).join('')
    return `tree ${this.#tree}\n${above}author ${who}\ncommitter ${who}\n\n${message}\n`
  }

  async put(object: string, type: 'commit' | 'tag' = 'commit'): Promise<string> {
    const file = join(this.fixture.root, 'object')
    await writeFile(file, object, 'latin1')
    return this.fixture.git('hash-object', '-t', type, '-w', '--literally', file)
  }

  async commit(by: Person | undefined, parents: readonly string[] = [], message = 'work', at = NOW): Promise<string> {
    const payload = this.payload(parents, message)
    return this.put(by === undefined ? payload : withHeader(payload, await signed(payload, by, at)))
  }

  async tag(name: string, target: string, by: Person | undefined, type = 'commit'): Promise<void> {
    const payload = `object ${target}\ntype ${type}\ntag ${name}\ntagger Ann <ann@example.com> 1760000000 +0000\n\nrelease\n`
    const id = await this.put(by === undefined ? payload : payload + (await signed(payload, by)), 'tag')
    await this.fixture.git('update-ref', `refs/tags/${name}`, id)
    await this.repository.fetch()
  }
}

async function signed(payload: string, { secret }: Person, at = NOW): Promise<string> {
  return openpgp.sign({
    message: await openpgp.createMessage({ binary: Buffer.from(payload) }),
    signingKeys: secret,
    detached: true,
    date: new Date(at),
  })
}

function withHeader(payload: string, armoured: string): string {
  const lines = armoured.replaceAll('\r', '').trimEnd().replaceAll('\n', '\n ')
  return payload.replace('\n\n', `\ngpgsig ${lines}\n\n`)
}

let git: SignedRepository
let ann: Person
let ben: Person
let old: Person

beforeAll(async () => {
  ;[git, ann, ben, old] = await Promise.all([
    SignedRepository.make(),
    person('ann'),
    person('ben'),
    person('old', { keyExpirationTime: (90 * DAY) / 1000 }),
  ])
})
afterAll(async () => {
  await git.repository.close()
  await git.fixture.remove()
})

const KEYRING = (): SigningKeys => ({ openpgp: [ann, ben, old].map(({ armoured }) => armoured), ssh: [] })

async function ask(
  commit: string,
  policy: Partial<SignaturePolicy> = {},
  more: { keys?: SigningKeys; revision?: string; now?: number; integrity?: SourceIntegrity } = {},
): Promise<string> {
  const { keys = KEYRING(), revision = commit, now = NOW } = more
  const integrity = more.integrity ?? new SourceIntegrity({ now: () => now })
  const asked = { mode: 'head', keys: [ann.id], by: 'project "shop"', ...policy } as const
  const problem = await integrity.problemOf(git.repository.signed, { revision, commit, policy: asked, keys })
  return problem === undefined ? 'good' : `${problem.code} ${problem.message}`
}

describe('a commit', () => {
  test('signed by an allowed key is good; by long id, whole fingerprint, or its signing subkey', async () => {
    const commit = await git.commit(ann)
    const { secret } = await person('sub', { subkeys: [{ sign: true }] })
    const sub: Person = { secret, armoured: secret.toPublic().armor(), id: '' }
    const bySub = await git.commit(sub, [], 'by a subkey')
    const keys = { ...KEYRING(), openpgp: [...KEYRING().openpgp, sub.armoured] }
    expect(await ask(commit)).toBe('good')
    expect(await ask(commit, { keys: [ann.secret.getFingerprint()] })).toBe('good')
    const [subkey] = secret.getSubkeys()
    for (const id of [secret.getKeyID().toHex(), subkey!.getKeyID().toHex(), subkey!.getFingerprint()]) {
      expect(await ask(bySub, { keys: [id] }, { keys }), id).toBe('good')
    }
  })

  test('that is not signed, or by whom nobody allows or knows, is told with what it is', async () => {
    const short = (id: string): string => id.slice(0, 12)
    const bare = await git.commit(undefined)
    expect(await ask(bare)).toBe(
      `SIGNATURE_MISSING commit ${short(bare)} of Ann Example <ann@example.com> is not signed`,
    )
    const other = await git.commit(ben)
    expect(await ask(other)).toBe(
      `SIGNATURE_REFUSED commit ${short(other)} of Ann Example <ann@example.com>: it is signed by key ${ben.secret.getFingerprint().toUpperCase()}, and project "shop" allows ${ann.id}`,
    )
    const stranger = await git.commit(await person('eve'))
    expect(await ask(stranger)).toMatch(/^SIGNATURE_REFUSED .* by key [0-9A-F]{16}, which no SigningKeys/)
    expect(await ask(other, { keys: [] })).toContain('allows no key')
  })

  test('by a key that is over today is refused, though it was not when it signed', async () => {
    const commit = await git.commit(old, [], 'then', NOW - 50 * DAY)
    const policy = { keys: [old.id] }
    expect(await ask(commit, policy, { now: NOW - 40 * DAY })).toBe('good')
    expect(await ask(commit, policy)).toMatch(/^SIGNATURE_REFUSED .*expired/)
    // Remembered as good, it is good for as long as the key is.
    let now = NOW - 40 * DAY
    const integrity = new SourceIntegrity({ now: () => now })
    expect(await ask(commit, policy, { integrity })).toBe('good')
    now = NOW
    expect(await ask(commit, policy, { integrity })).toMatch(/expired/)
  })

  test('by a key that was revoked is refused', async () => {
    const { privateKey, publicKey } = await openpgp.revokeKey({
      key: ann.secret,
      format: 'object',
      date: new Date(NOW - DAY),
      reasonForRevocation: { flag: openpgp.enums.reasonForRevocation.keyCompromised },
    })
    expect(privateKey).toBeDefined()
    const keys = { openpgp: [publicKey.armor()], ssh: [] }
    expect(await ask(await git.commit(ann), {}, { keys })).toMatch(/^SIGNATURE_REFUSED .*revoked/)
    for (const copies of [
      [ann.armoured, publicKey.armor()],
      [publicKey.armor(), ann.armoured],
    ]) {
      const both = { openpgp: copies, ssh: [] }
      expect(await ask(await git.commit(ann), {}, { keys: both })).toMatch(/^SIGNATURE_REFUSED .*revoked/)
    }
  })

  test('with a signature of other bytes, of text, of the future, or doubled is refused', async () => {
    const payload = git.payload([], 'one thing')
    const good = await signed(payload, ann)
    const refusals: Readonly<Record<string, string>> = {
      'other bytes': withHeader(git.payload([], 'another thing'), good),
      'one blank more': withHeader(`${payload} `, good),
      'as text': withHeader(
        payload,
        await openpgp.sign({
          message: await openpgp.createMessage({ text: payload }),
          signingKeys: ann.secret,
          detached: true,
          date: new Date(NOW),
        }),
      ),
      'the future': withHeader(payload, await signed(payload, ann, NOW + 3 * DAY)),
      'two signers': withHeader(
        payload,
        await openpgp.sign({
          message: await openpgp.createMessage({ binary: Buffer.from(payload) }),
          signingKeys: [ann.secret, ben.secret],
          detached: true,
          date: new Date(NOW),
        }),
      ),
      twice: withHeader(withHeader(payload, good), good),
    }
    expect(await ask(await git.put(withHeader(payload, good)))).toBe('good')
    for (const [what, object] of Object.entries(refusals)) {
      expect(await ask(await git.put(object)), what).toMatch(/^SIGNATURE_REFUSED/)
    }
  })

  test('whose bytes are not those of its id is refused', async () => {
    const [good, bare] = [await git.commit(ann), await git.commit(undefined, [], 'bad')]
    const { signed: real } = git.repository
    const lying = { ...real!, read: () => real!.read(good) }
    const asked = {
      revision: bare,
      commit: bare,
      policy: { mode: 'head', keys: [ann.id], by: '' },
      keys: KEYRING(),
    } as const
    const problem = await new SourceIntegrity({ now: () => NOW }).problemOf(lying, asked)
    expect(problem?.message).toContain('its bytes are not those of its id')
  })

  test('is checked once, and again when keys change', async () => {
    const integrity = new SourceIntegrity({ now: () => NOW })
    const commit = await git.commit(ann)
    for (let times = 0; times < 3; times++) expect(await ask(commit, {}, { integrity })).toBe('good')
    expect(integrity.checked).toBe(1)
    const fewer = { openpgp: [ben.armoured], ssh: [] }
    expect(await ask(commit, {}, { integrity, keys: fewer })).toContain('no SigningKeys')
    expect(await ask(commit, { keys: [ben.id] }, { integrity })).toContain('allows')
  })

  test('where the bytes cannot be had is not taken for signed', async () => {
    const policy = { mode: 'head', keys: [ann.id], by: '' } as const
    const asked = { revision: 'main', commit: 'f'.repeat(40), policy, keys: KEYRING() }
    const integrity = new SourceIntegrity({ now: () => NOW })
    expect((await integrity.problemOf(undefined, asked))?.code).toBe('SIGNATURE_UNCHECKED')
    expect((await integrity.problemOf(git.repository.signed, asked))?.code).toBe('SIGNATURE_UNCHECKED')
  })

  test('a key that cannot be read is told, and the others count', async () => {
    const keys = { openpgp: ['-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nnonsense\n', ...KEYRING().openpgp], ssh: [] }
    expect(await ask(await git.commit(ann), {}, { keys })).toBe('good')
    expect(await ask(await git.commit(await person('eve')), {}, { keys })).toContain('key 1 cannot be read')
  })
})

describe('a history', () => {
  test('has to be signed to its beginning', async () => {
    const bare = await git.commit(undefined, [], 'in the beginning')
    const next = await git.commit(ann, [bare], 'next')
    const last = await git.commit(ann, [next], 'last')
    expect(await ask(last)).toBe('good')
    expect(await ask(last, { mode: 'strict' })).toMatch(new RegExp(`^SIGNATURE_MISSING commit ${bare.slice(0, 12)}`))
  })

  test('is good behind a seal, on the side that it seals', async () => {
    const bare = await git.commit(undefined, [], 'unsigned')
    const seal = await git.commit(ann, [bare], 'review\n\nArgocd-gpg-seal: I have read all of it')
    const work = await git.commit(ann, [seal], 'work')
    expect(await ask(work, { mode: 'strict' })).toBe('good')
    const other = await git.commit(undefined, [], 'another beginning')
    const merge = await git.commit(ann, [work, other], 'merge')
    expect(await ask(merge, { mode: 'strict' })).toMatch(new RegExp(`^SIGNATURE_MISSING commit ${other.slice(0, 12)}`))
    const selfSealed = await git.commit(undefined, [bare], 'mine\n\nArgocd-gpg-seal: because I say so')
    expect(await ask(selfSealed, { mode: 'strict' })).toMatch(/^SIGNATURE_MISSING/)
  })

  test('is checked from where it was checked before', async () => {
    const integrity = new SourceIntegrity({ now: () => NOW })
    let tip = await git.commit(ann, [], 'root')
    for (let count = 0; count < 5; count++) tip = await git.commit(ann, [tip], `${count}`)
    expect(await ask(tip, { mode: 'strict' }, { integrity })).toBe('good')
    expect(integrity.checked).toBe(6)
    const next = await git.commit(ann, [tip], 'next')
    expect(await ask(next, { mode: 'strict' }, { integrity })).toBe('good')
    expect(integrity.checked).toBe(7)
    expect(await ask(next, { mode: 'strict' }, { integrity: new SourceIntegrity({ now: () => NOW }, 3) })).toMatch(
      /^SIGNATURE_UNCHECKED .*more than 3 commits/,
    )
  })
})

describe('an annotated tag', () => {
  test('is what is verified in its place, and both are in strict mode', async () => {
    const bare = await git.commit(undefined, [], 'tagged')
    await git.tag('v1', bare, ann)
    expect(await ask(bare, {}, { revision: 'v1' })).toBe('good')
    expect(await ask(bare, { mode: 'strict' }, { revision: 'refs/tags/v1' })).toMatch(/^SIGNATURE_MISSING commit/)
    const good = await git.commit(ann, [], 'tagged, too')
    await git.tag('v2', good, undefined)
    expect(await ask(good, {}, { revision: 'v2' })).toMatch(/^SIGNATURE_MISSING tag "v2"/)
    await git.tag('v3', good, ben)
    expect(await ask(good, {}, { revision: 'v3' })).toMatch(/^SIGNATURE_REFUSED tag "v3"/)
  })

  test('under another name, or at another commit, is not that tag', async () => {
    const commit = await git.commit(undefined, [], 'tagged once more')
    await git.tag('v4', commit, ann)
    await git.fixture.git('update-ref', 'refs/tags/v5', await git.fixture.git('rev-parse', 'refs/tags/v4'))
    await git.repository.fetch()
    expect(await ask(commit, {}, { revision: 'v5' })).toMatch(/its tag was made as "v4"/)
    const another = await git.commit(undefined, [], 'not tagged')
    expect(await ask(another, {}, { revision: 'v4' })).toMatch(/^SIGNATURE_UNCHECKED/)
  })

  test('of a tag leads to its commit', async () => {
    const commit = await git.commit(undefined, [], 'far below')
    await git.tag('inner', commit, undefined)
    await git.tag('outer', await git.fixture.git('rev-parse', 'refs/tags/inner'), ann, 'tag')
    expect(await ask(commit, {}, { revision: 'outer' })).toBe('good')
  })
})

test('what git and ssh-keygen sign is good, with an ed25519, an ECDSA and an RSA key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-ssh-'))
  try {
    for (const [type, bits] of [
      ['ed25519', ''],
      ['ecdsa', '256'],
      ['ecdsa', '521'],
      ['rsa', '2048'],
    ] as const) {
      const file = join(folder, `${type}${bits}`)
      await run('ssh-keygen', [
        '-q',
        '-t',
        type,
        ...(bits === '' ? [] : ['-b', bits]),
        '-N',
        '',
        '-C',
        'ann',
        '-f',
        file,
      ])
      const ids = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${file}`]
      const tree = await git.fixture.git('rev-parse', 'main^{tree}')
      const commit = await git.fixture.git(...ids, 'commit-tree', '-S', '-m', `by ${type}`, tree)
      const line = await readFile(`${file}.pub`, 'utf8')
      const { stdout } = await run('ssh-keygen', ['-l', '-f', `${file}.pub`])
      const policy = { keys: [stdout.split(' ')[1]!] }
      const keys = { openpgp: [], ssh: [line] }
      expect(await ask(commit, policy, { keys }), type).toBe('good')
      expect(await ask(commit, {}, { keys }), type).toMatch(/allows/)
      expect(await ask(commit, policy), type).toMatch(/no SigningKeys/)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
