import { timingSafeEqual } from 'node:crypto'
import type { Principal } from '@flotilla/core/access/principal'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { Store, StoreReader, TokenRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

export const TOKEN_PREFIX = 'flt_'

const ID_BYTES = 12
const SECRET_BYTES = 32
const TOKEN = /^flt_([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/

export type Role = TokenRow['role']

/** Who asks, as far as the API has to know. */
export interface Caller {
  /** Whom the policy is asked about. */
  readonly principal: Principal
  readonly tokenId: string
  readonly name: string
  readonly role: Role
  /** Programs approve nothing. */
  readonly kind: 'person' | 'robot'
  /** Who has made the token. */
  readonly madeBy?: string
  readonly expiresAt?: EpochMs
}

/** A new token: its text is shown once, the row keeps the SHA-256 of the secret. */
export function makeToken(
  random: Random,
  wish: {
    readonly name: string
    readonly role: Role
    readonly kind?: Caller['kind']
    readonly madeBy?: string
    readonly now: EpochMs
    readonly expiresAt?: EpochMs
  },
): { readonly text: string; readonly row: TokenRow } {
  const id = Buffer.from(random.bytes(ID_BYTES)).toString('base64url')
  const secret = Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')
  const row: TokenRow = {
    id,
    name: wish.name,
    role: wish.role,
    ...(wish.kind !== undefined && { kind: wish.kind }),
    ...(wish.madeBy !== undefined && { madeBy: wish.madeBy }),
    secretHash: sha256(secret),
    createdAt: wish.now,
    ...(wish.expiresAt !== undefined && { expiresAt: wish.expiresAt }),
  }
  return { text: `${TOKEN_PREFIX}${id}.${secret}`, row }
}

/**
 * Makes the administrator's token at the first start; undefined when there is one already. The text is nowhere else:
 * print it once.
 */
export async function ensureAdminToken(store: Store, clock: Clock, random: Random): Promise<string | undefined> {
  return await store.write(async rows => {
    if ((await rows.tokens()).some(row => row.role === 'admin')) return undefined
    const { text, row } = makeToken(random, { name: 'admin', role: 'admin', now: clock.now() })
    await rows.putToken(row)
    await rows.appendAudit({
      at: row.createdAt,
      actor: 'hub',
      action: 'token.create',
      subject: row.name,
      detail: { id: row.id, role: row.role },
    })
    return text
  })
}

/**
 * Whose token that is; undefined for a malformed, unknown, wrong or expired one, and nothing tells which. The hash is
 * compared in constant time, also when there is no such token.
 */
export async function callerOf(rows: StoreReader, text: string, now: EpochMs): Promise<Caller | undefined> {
  const parts = TOKEN.exec(text)
  const [id, secret] = [parts?.[1] ?? '', parts?.[2] ?? '']
  const row = id === '' ? undefined : await rows.token(id)
  const given = Buffer.from(sha256(secret))
  const kept = Buffer.from(row?.secretHash ?? sha256(''))
  const equal = given.length === kept.length && timingSafeEqual(given, kept)
  if (row === undefined || !equal || isExpired(row, now)) return undefined
  const { name, role, kind = 'robot', madeBy, expiresAt } = row
  return {
    principal: { kind: 'subject', subject: `role:${role}` },
    tokenId: id,
    name,
    role,
    kind,
    ...(madeBy !== undefined && { madeBy }),
    ...(expiresAt !== undefined && { expiresAt }),
  }
}

/** Whether the caller's token still stands: asked again while a watch goes on. */
export async function stillValid(rows: StoreReader, caller: Caller, now: EpochMs): Promise<boolean> {
  const row = await rows.token(caller.tokenId)
  return row !== undefined && !isExpired(row, now)
}

function isExpired(row: TokenRow, now: EpochMs): boolean {
  return row.expiresAt !== undefined && now >= row.expiresAt
}
