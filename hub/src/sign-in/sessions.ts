import { createHmac, timingSafeEqual } from 'node:crypto'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { Identity, PersonRow, SessionRow, Store, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { newSecret } from '../api/tokens.ts'
import { ownerOf } from './identity.ts'
import type { Sealer } from './sealer.ts'

export const SESSION_PREFIX = 'fls_'

const SESSION = /^fls_([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/
/** Of one person; whoever has more has forgotten the oldest. */
const MOST_OF_OWNER = 50
/** How exactly is known when something was used last. */
export const USE_NOTED_MS = 60_000

export interface SessionSettings {
  /** Without a request for so long, it ends. */
  readonly idleMs: number
  /** So long after signing in it ends, whatever happens. */
  readonly lifeMs: number
}

export const DEFAULT_SESSIONS: SessionSettings = { idleMs: 8 * 60 * 60_000, lifeMs: 24 * 60 * 60_000 }

export interface SessionWish {
  readonly identity: Identity
  readonly name: string
  readonly by: SessionRow['by']
  /** The address. */
  readonly from?: string
  /** What the provider gave, to be asked again later. */
  readonly tokens?: ProviderTokens
  /** A session that was shown while signing in: it ends, so that nobody goes on with one that others knew before. */
  readonly replaces?: string
}

export interface ProviderTokens {
  readonly refreshToken?: string
  readonly idToken?: string
}

export interface SessionParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly sealer: Sealer
}

/** Sessions of people: begun, found by what is shown, ended. The store has hashes and sealed texts alone. */
export class Sessions {
  readonly settings: SessionSettings
  readonly #parts: SessionParts

  constructor(settings: SessionSettings, parts: SessionParts) {
    this.settings = settings
    this.#parts = parts
  }

  /** A new session with a secret of its own, never one that was there before. @returns Its text, which is shown once. */
  async begin(wish: SessionWish): Promise<{ readonly text: string; readonly row: SessionRow }> {
    const { store, clock, random } = this.#parts
    const { identity, name, by, from, tokens, replaces } = wish
    const { id, secret } = newSecret(random)
    const now = clock.now()
    const row: SessionRow = {
      ...{ id, owner: ownerOf(identity) ?? `session ${id}`, name, identity, by, secretHash: sha256(secret) },
      ...{ createdAt: now, expiresAt: now + this.settings.lifeMs, lastUsedAt: now, claimsAt: now },
      ...(tokens !== undefined && { sealed: this.#seal(id, tokens) }),
      ...(from !== undefined && { from }),
    }
    await store.write(async rows => {
      const replaced = replaces === undefined ? undefined : await this.find(rows, replaces, now)
      if (replaced !== undefined) await rows.deleteSession(replaced.id)
      await this.#makeRoom(rows, row.owner, now)
      await rows.putSession(row)
      await rows.putPerson(personOf(row, await rows.person(row.owner)))
      const detail = { id, by, expiresAt: row.expiresAt }
      await rows.appendAudit({ at: now, actor: name, action: 'session.begin', subject: name, detail })
    })
    return { text: `${SESSION_PREFIX}${id}.${secret}`, row }
  }

  /** The session of that text; undefined for any that is malformed, unknown, wrong, over or idle for too long. */
  async find(rows: StoreReader, text: string, now: EpochMs): Promise<SessionRow | undefined> {
    const parts = SESSION.exec(text)
    const row = parts === null ? undefined : await rows.session(parts[1]!)
    const given = Buffer.from(sha256(parts?.[2] ?? ''))
    const kept = Buffer.from(row?.secretHash ?? sha256('.'))
    const equal = given.length === kept.length && timingSafeEqual(given, kept)
    return row !== undefined && equal && this.stands(row, now) ? row : undefined
  }

  stands(row: SessionRow, now: EpochMs): boolean {
    return now < row.expiresAt && now < row.lastUsedAt + this.settings.idleMs + USE_NOTED_MS
  }

  /** What the provider gave for it. */
  tokensOf(row: SessionRow): ProviderTokens {
    const text = row.sealed === undefined ? undefined : this.#parts.sealer.open(`session ${row.id}`, row.sealed)
    return text === undefined ? {} : (JSON.parse(text) as ProviderTokens)
  }

  /** Keeps what the provider says by now; a session that was ended meanwhile stays ended. */
  async renewed(
    id: string,
    identity: Identity,
    tokens: ProviderTokens,
    askedAt: EpochMs,
  ): Promise<SessionRow | undefined> {
    return await this.#parts.store.write(async rows => {
      const row = await rows.session(id)
      if (row === undefined) return undefined
      const next: SessionRow = { ...row, identity, claimsAt: askedAt, sealed: this.#seal(id, tokens) }
      await rows.putSession(next)
      await rows.putPerson(personOf(next, await rows.person(next.owner)))
      return next
    })
  }

  async used(id: string, now: EpochMs): Promise<void> {
    await this.#parts.store.write(async rows => {
      const row = await rows.session(id)
      if (row !== undefined && row.lastUsedAt < now) await rows.putSession({ ...row, lastUsedAt: now })
    })
  }

  /** @param why For the audit log. */
  async end(id: string, actor: string, why: string): Promise<void> {
    const now = this.#parts.clock.now()
    await this.#parts.store.write(async rows => {
      const row = await rows.session(id)
      if (row === undefined) return
      await rows.deleteSession(id)
      await rows.appendAudit({ at: now, actor, action: 'session.end', subject: row.name, detail: { id, why } })
    })
  }

  /**
   * Ends every session of somebody, and refuses what the provider has issued to them up to now.
   *
   * @param unknown What is remembered of somebody who was not known yet.
   * @returns How many sessions that were.
   */
  async endAll(owner: string, actor: string, unknown?: PersonRow): Promise<number> {
    const now = this.#parts.clock.now()
    return await this.#parts.store.write(async rows => {
      const found = await rows.sessions(owner)
      for (const { id } of found) await rows.deleteSession(id)
      const person = (await rows.person(owner)) ?? unknown
      if (person !== undefined) await rows.putPerson({ ...person, signedOutAt: now })
      const detail = { sessions: found.length }
      await rows.appendAudit({ at: now, actor, action: 'session.end-all', subject: person?.name ?? actor, detail })
      return found.length
    })
  }

  /** Forgets what is over. */
  async sweep(): Promise<void> {
    const now = this.#parts.clock.now()
    await this.#parts.store.write(async rows => {
      for (const row of await rows.sessions()) if (!this.stands(row, now)) await rows.deleteSession(row.id)
      await rows.deleteSignedOut(now)
    })
  }

  async #makeRoom(rows: StoreWriter, owner: string, now: EpochMs): Promise<void> {
    const standing: SessionRow[] = []
    for (const row of await rows.sessions(owner)) {
      if (this.stands(row, now)) standing.push(row)
      else await rows.deleteSession(row.id)
    }
    for (const { id } of standing.slice(0, Math.max(0, standing.length - MOST_OF_OWNER + 1)))
      await rows.deleteSession(id)
  }

  #seal(id: string, tokens: ProviderTokens): string {
    return this.#parts.sealer.seal(`session ${id}`, JSON.stringify(tokens))
  }
}

/** What a page of the same site has to send with writes: it follows from the cookie, which no other site can read. */
export function csrfOf(text: string): string {
  return createHmac('sha256', text).update('flotilla csrf').digest('base64url')
}

/** Whether that header came with that cookie; compared in constant time. */
export function isCsrf(expected: string, given: string | undefined): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given ?? '')]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** The newest that is known of somebody; a sign-out stays. */
export function personOf({ owner, name, identity, claimsAt }: SessionRow, known: PersonRow | undefined): PersonRow {
  if (known !== undefined && known.claimsAt > claimsAt) return known
  const { signedOutAt } = known ?? {}
  return { id: owner, name, identity, claimsAt, ...(signedOutAt !== undefined && { signedOutAt }) }
}
