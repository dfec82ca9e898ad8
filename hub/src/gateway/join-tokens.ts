import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { JoinTokenRow, StoreWriter } from '@flotilla/core/ports/store'
import { encodeJoinToken, joinSecretHash } from '@flotilla/core/protocol/join-token'
import type { HubKeys } from './hub-keys.ts'

export interface JoinTokenWish {
  readonly clusterName: string
  /** The URL at which agents reach this hub. */
  readonly hubUrl: string
  readonly expiresInMs: number
  /** SHA-256 of the hub's certificate, where its own CA signed it. */
  readonly ca?: Digest
}

/**
 * Makes a token that admits one cluster, once, under this name (protocol.md 2). The returned text is the only copy of
 * its secret: the store keeps a hash.
 */
export async function createJoinToken(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  random: Random,
  wish: JoinTokenWish,
): Promise<{ readonly token: string; readonly row: JoinTokenRow }> {
  const secret = random.bytes(32)
  const now = Math.floor(clock.now())
  const row: JoinTokenRow = {
    id: Buffer.from(random.bytes(12)).toString('base64url'),
    clusterName: wish.clusterName,
    secretHash: joinSecretHash(secret),
    createdAt: now,
    expiresAt: now + wish.expiresInMs,
  }
  await writer.putJoinToken(row)
  const token = encodeJoinToken({
    hub: wish.hubUrl,
    hubId: keys.hubId,
    kid: keys.kid,
    ...(wish.ca && { ca: wish.ca }),
    id: row.id,
    name: wish.clusterName,
    expires: row.expiresAt,
    secret,
  })
  return { token, row }
}
