import { createHash } from 'node:crypto'
import type { Clock } from '@flotilla/core/ports/clock'
import { GitError, type ObjectId, type SignedObjects } from '@flotilla/core/ports/git'
import type { SignaturePolicy, SigningKeys } from '@flotilla/core/project/source-integrity'
import { type KeyId, namesOpenPgpKey, readKeyId } from '@flotilla/core/signature/key-id'
import {
  armourOf,
  isSeal,
  readSignedCommit,
  readSignedTag,
  type SignedObject,
} from '@flotilla/core/signature/signed-object'
import { readSshKey, type SshKey, verifySshSignature } from '@flotilla/core/signature/ssh-signature'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { byItself, type IntegrityProblem, type Judged, JudgedCommits } from './judged-commits.ts'
import { type OpenPgpKeyring, OpenPgpMissing, openPgpKeyring } from './openpgp-keyring.ts'

export type { IntegrityProblem } from './judged-commits.ts'

export interface AskedRevision {
  /** As the Application names it: a branch, a tag, a commit. */
  readonly revision: string
  /** What it stands for. */
  readonly commit: ObjectId
  readonly policy: SignaturePolicy
  readonly keys: SigningKeys
}

type Refused = Extract<Judged, { kind: 'refused' }>

/** Commits that one look may check; a longer history wants a seal. */
export const MOST_COMMITS = 20_000
const MOST_TAGS = 8
const MOST_TOLD = 5
const FOR_EVER = Number.POSITIVE_INFINITY

/**
 * Whether commits are signed as a policy asks. What was found is remembered by commit and keys, so that a commit is
 * checked once however many Applications read it, and of a history what is new.
 */
export class SourceIntegrity {
  readonly #clock: Pick<Clock, 'now'>
  readonly #mostCommits: number
  readonly #known: JudgedCommits
  /** What stands in the texts of keys, which are the same objects until somebody changes them. */
  readonly #texts = new WeakMap<SigningKeys, { readonly digest: string; readonly ssh: readonly SshKey[] }>()
  #keyring: { readonly of: readonly string[]; readonly opened: Promise<OpenPgpKeyring> } | undefined
  /** Signatures really checked since the start. */
  checked = 0

  constructor(clock: Pick<Clock, 'now'>, mostCommits = MOST_COMMITS, known = new JudgedCommits()) {
    this.#clock = clock
    this.#mostCommits = mostCommits
    this.#known = known
  }

  /**
   * @param signed The repository's commits and tags; undefined where they cannot be had to the byte.
   * @returns Undefined when all is signed as it should be.
   * @throws GitError for what says nothing about signatures: a mirror that is damaged or closed.
   */
  async problemOf(signed: SignedObjects | undefined, asked: AskedRevision): Promise<IntegrityProblem | undefined> {
    const { policy } = asked
    if (signed === undefined) return unchecked('its repository is not kept with what signatures cover')
    const look = this.#lookOf(signed, asked)
    try {
      const tag = await signed.tagOf(asked.revision)
      if (tag !== undefined) {
        const problem = await this.#tagProblem(tag, look, asked)
        if (problem !== undefined || policy.mode === 'head') return problem
      }
      if (policy.mode === 'strict') return await this.#historyProblem(look, asked)
      const judged = await this.#judge(asked.commit, look)
      return judged.kind === 'good' ? undefined : judged.problemFor(policy.by)
    } catch (error) {
      if (error instanceof OpenPgpMissing)
        return unchecked(`${error.message}; npm install openpgp on the hub's machine`)
      if (error instanceof GitError && error.code === 'OBJECT_MISSING') {
        return unchecked('a commit before it is not in the mirror, so that it cannot be checked')
      }
      throw error
    }
  }

  #lookOf(signed: SignedObjects, { policy, keys }: AskedRevision): Look {
    const { digest, ssh } = this.#readTexts(keys)
    const all = createHash('sha256').update(JSON.stringify([policy.keys, digest]))
    return {
      ...{ signed, policy, keys, ssh, now: this.#clock.now() },
      key: this.#known.nameOf(all.digest('base64url')),
      allowed: policy.keys.map(readKeyId),
    }
  }

  /** Texts of keys may be long, and every look is about the same ones. */
  #readTexts(keys: SigningKeys): { readonly digest: string; readonly ssh: readonly SshKey[] } {
    const known = this.#texts.get(keys)
    if (known !== undefined) return known
    const hash = createHash('sha256').update(JSON.stringify([keys.openpgp, keys.ssh]))
    const read = { digest: hash.digest('base64url'), ssh: keys.ssh.flatMap(line => readSshKey(line) ?? []) }
    this.#texts.set(keys, read)
    return read
  }

  async #historyProblem(look: Look, { commit }: AskedRevision): Promise<IntegrityProblem | undefined> {
    const refused: IntegrityProblem[] = []
    const seen = new Set<ObjectId>([commit])
    const waiting = [commit]
    let goodUntil = FOR_EVER
    for (let next = waiting.pop(); next !== undefined && refused.length < MOST_TOLD; next = waiting.pop()) {
      const known = this.#known.historyGoodUntil(next, look.key)
      if (known !== undefined && known > look.now) {
        goodUntil = Math.min(goodUntil, known)
        continue
      }
      if (seen.size > this.#mostCommits) {
        return unchecked(
          `its history has more than ${this.#mostCommits} commits: let somebody who is allowed to seal it (Argocd-gpg-seal)`,
        )
      }
      const judged = await this.#judge(next, look)
      if (judged.kind === 'refused') {
        refused.push(judged.problemFor(look.policy.by))
        continue
      }
      goodUntil = Math.min(goodUntil, judged.goodUntil)
      if (judged.seal) continue
      for (const parent of judged.parents) {
        if (seen.has(parent)) continue
        seen.add(parent)
        waiting.push(parent)
      }
    }
    const [first] = refused
    if (first === undefined) {
      this.#known.keepHistory(commit, look.key, goodUntil)
      return undefined
    }
    return { code: first.code, message: refused.map(({ message }) => message).join('; ') }
  }

  async #tagProblem(
    tag: ObjectId,
    look: Look,
    { revision, commit }: AskedRevision,
  ): Promise<IntegrityProblem | undefined> {
    const what = `tag "${shown(revision)}" (${tag.slice(0, 12)})`
    const read = await readObject(look.signed, tag, 'tag')
    if (read.kind === 'mistake') return refuse(what, read.message).problemFor(look.policy.by)
    const { target } = read.object
    // Made for another name, an older tag could be given out as a newer one.
    if (target!.name !== revision.replace(/^(?:refs\/)?tags\//, '')) {
      return refuse(what, `its tag was made as "${shown(target!.name)}"`).problemFor(look.policy.by)
    }
    if ((await commitOf(look.signed, tag)) !== commit) {
      return unchecked(`${what} is not at commit ${commit.slice(0, 12)}: it is being moved`)
    }
    const judged = await this.#judgeObject(what, read.object, look)
    return judged.kind === 'good' ? undefined : judged.problemFor(look.policy.by)
  }

  async #judge(commit: ObjectId, look: Look): Promise<Judged> {
    const known = this.#known.verdict(commit, look.key)
    if (known !== undefined && (known.kind === 'refused' || known.goodUntil > look.now)) return known
    const read = await readObject(look.signed, commit, 'commit')
    const what = `commit ${commit.slice(0, 12)}`
    const judged =
      read.kind === 'mistake' ? refuse(what, read.message) : await this.#judgeObject(what, read.object, look)
    if (judged.kind === 'good' || judged.lasting) this.#known.keep(commit, look.key, judged)
    return judged
  }

  async #judgeObject(what: string, object: SignedObject, look: Look): Promise<Judged> {
    const { signature, payload, parents, message } = object
    const by = byItself(`${what} of ${shown(object.author)}`)
    if (signature === undefined) return unsigned(by)
    this.checked++
    const good = (goodUntil = FOR_EVER): Judged => ({
      ...{ kind: 'good', goodUntil, parents: parents.map(byItself), seal: isSeal(message) },
    })
    if (armourOf(signature) === 'ssh') {
      const verdict = verifySshSignature(signature, payload, look.ssh)
      if (verdict.kind === 'bad') return refuse(by, `its signature is not good: ${verdict.message}`)
      const { fingerprint } = verdict
      if (verdict.kind === 'unknown-key') return unknown(by, fingerprint)
      const allowed = look.allowed.some(key => key.kind === 'ssh' && key.id === fingerprint)
      return allowed ? good() : notAllowed(by, fingerprint, look.policy)
    }
    const keyring = await this.#keyringOf(look.keys.openpgp, look.now)
    const verdict = await keyring.verify(signature, payload, look.now)
    if (verdict.kind === 'unknown-key') return unknown(by, verdict.keyId, keyring.mistakes)
    if (verdict.kind === 'bad') return refuse(by, `its signature is not good: ${verdict.message}`, verdict.lasting)
    if (namesOpenPgpKey(look.allowed, verdict.fingerprints)) return good(verdict.goodUntil)
    return notAllowed(by, verdict.fingerprints[0]!, look.policy)
  }

  #keyringOf(texts: readonly string[], now: EpochMs): Promise<OpenPgpKeyring> {
    const known = this.#keyring
    if (known !== undefined && known.of.length === texts.length && texts.every((text, at) => text === known.of[at])) {
      return known.opened
    }
    const opened = openPgpKeyring(texts, now)
    this.#keyring = { of: texts, opened }
    // Installed since, it is there at the next look.
    opened.catch(() => {
      this.#keyring = undefined
    })
    return opened
  }
}

interface Look {
  readonly signed: SignedObjects
  readonly policy: SignaturePolicy
  readonly keys: SigningKeys
  readonly allowed: readonly KeyId[]
  readonly ssh: readonly SshKey[]
  readonly now: EpochMs
  /** Of everything that an answer about a commit depends on besides the commit. */
  readonly key: string
}

/** Reads an object and makes sure that its bytes are those of its id: what is verified is what is rendered. */
async function readObject(signed: SignedObjects, id: ObjectId, type: 'commit' | 'tag') {
  const object = await signed.read(id)
  const header = `${object.type} ${object.bytes.byteLength}\0`
  const isItself = createHash('sha1').update(header).update(object.bytes).digest('hex') === id
  if (object.type !== type || !isItself)
    return { kind: 'mistake', message: 'its bytes are not those of its id' } as const
  return type === 'commit' ? readSignedCommit(object.bytes) : readSignedTag(object.bytes)
}

/** The commit behind a tag, and tags of tags; undefined when there is none. */
async function commitOf(signed: SignedObjects, tag: ObjectId): Promise<ObjectId | undefined> {
  let at = tag
  for (let depth = 0; depth < MOST_TAGS; depth++) {
    const read = await readObject(signed, at, 'tag')
    if (read.kind === 'mistake' || read.object.target === undefined) return undefined
    const { id, type } = read.object.target
    if (type === 'commit') return id
    at = id
  }
  return undefined
}

function unsigned(what: string): Judged {
  const message = `${what} is not signed`
  return { kind: 'refused', lasting: true, problemFor: () => ({ code: 'SIGNATURE_MISSING', message }) }
}

function refuse(what: string, why: string | ((asker: string) => string), lasting = true): Refused {
  const told = typeof why === 'string' ? () => why : why
  const problemFor = (asker: string) => ({ code: 'SIGNATURE_REFUSED', message: `${what}: ${told(asker)}` }) as const
  return { kind: 'refused', lasting, problemFor }
}

function unknown(what: string, key: string, mistakes: readonly string[] = []): Judged {
  const others = mistakes.length === 0 ? '' : ` (${mistakes.slice(0, MOST_TOLD).join('; ')})`
  return refuse(what, `it is signed by key ${key}, which no SigningKeys document declares${others}`)
}

function notAllowed(what: string, key: string, { keys }: SignaturePolicy): Judged {
  const allowed = keys.length === 0 ? 'no key' : keys.slice(0, MOST_TOLD).join(', ')
  return refuse(what, asker => `it is signed by key ${key}, and ${asker} allows ${allowed}`)
}

function unchecked(message: string): IntegrityProblem {
  return { code: 'SIGNATURE_UNCHECKED', message }
}

/** Names come from whoever commits. */
function shown(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\ud7ff]+/g, ' ').slice(0, 120)
}
