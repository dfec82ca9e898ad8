import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { JoinTokenRow, StoreWriter } from '@flotilla/core/ports/store'
import { encodeJoinToken, joinSecretHash } from '@flotilla/core/protocol/join-token'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { HubKeys } from './hub-keys.ts'

export interface JoinTokenWish {
  /** The one Cluster that it admits; without it the token is for many, each of which waits for approval. */
  readonly clusterName?: string
  /** For a token for many: how many may ask, and the labels of those that become Clusters by it. */
  readonly pending?: { readonly labels: { readonly [key: string]: string }; readonly max: number }
  /** The URL at which agents reach this hub. */
  readonly hubUrl: string
  readonly expiresInMs: number
  /** SHA-256 of the hub's certificate, where its own CA signed it. */
  readonly ca?: Digest
  readonly by?: string
}

/**
 * Makes a token that admits one cluster, once, under this name, or one with which many may ask (protocol.md 2). The
 * returned text is the only copy of its secret: the store keeps a hash.
 */
export async function createJoinToken(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  random: Random,
  wish: JoinTokenWish,
): Promise<{ readonly token: string; readonly row: JoinTokenRow }> {
  const { clusterName, pending, hubUrl, ca, by } = wish
  if ((clusterName === undefined) === (pending === undefined)) {
    throw new RangeError('a join token is either for one name or pending')
  }
  const secret = random.bytes(32)
  const now = Math.floor(clock.now())
  const row: JoinTokenRow = {
    id: Buffer.from(random.bytes(12)).toString('base64url'),
    ...(clusterName !== undefined && { clusterName }),
    ...(pending && { pending }),
    ...(by !== undefined && { createdBy: by }),
    secretHash: joinSecretHash(secret),
    createdAt: now,
    expiresAt: now + wish.expiresInMs,
  }
  await writer.putJoinToken(row)
  const token = encodeJoinToken({
    hub: hubUrl,
    hubId: keys.hubId,
    kid: keys.kid,
    ...(ca && { ca }),
    id: row.id,
    ...(clusterName === undefined ? { pending: true as const } : { name: clusterName }),
    expires: row.expiresAt,
    secret,
  })
  return { token, row }
}

/** Neither revoked nor used up; it may have expired. */
export function isOpen({ revokedAt, usedAt }: JoinTokenRow): boolean {
  return revokedAt === undefined && usedAt === undefined
}

/**
 * Revokes every join token that `which` names and that is neither revoked nor used up, all of them without it: after a
 * recovery nobody knows which of them were used since the backup. Returns those that were revoked.
 */
export async function voidJoinTokens(
  writer: StoreWriter,
  now: EpochMs,
  which: (token: JoinTokenRow) => boolean = () => true,
): Promise<readonly JoinTokenRow[]> {
  const open = (await writer.joinTokens()).filter(token => isOpen(token) && which(token))
  for (const token of open) await writer.putJoinToken({ ...token, revokedAt: Math.floor(now) })
  return open
}
