import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What is known of an OpenPGP signature. Fingerprints are upper-case hexadecimal: of the primary key, of the subkey. */
export type OpenPgpVerdict =
  | { readonly kind: 'good'; readonly fingerprints: readonly string[]; readonly goodUntil?: EpochMs }
  | { readonly kind: 'unknown-key'; readonly keyId: string }
  /** @param lasting Whether it stays so, whatever the time is. */
  | { readonly kind: 'bad'; readonly message: string; readonly lasting: boolean }

/** Public keys, read once, that signatures are checked with. */
export interface OpenPgpKeyring {
  /** Keys that could not be read, for people; the others count all the same. */
  readonly mistakes: readonly string[]
  verify(armoured: string, payload: Uint8Array, now: EpochMs): Promise<OpenPgpVerdict>
}

/** The library is not installed: it is optional, for its licence is not ours. */
export class OpenPgpMissing extends Error {
  readonly code = 'OPENPGP_MISSING'
  constructor(cause: unknown) {
    super('OpenPGP signatures cannot be checked: the package "openpgp" is not installed', { cause })
    this.name = 'OpenPgpMissing'
  }
}

const MOST_KEYS = 2000
/** Clocks of people who commit go wrong by so much, no more. */
const SKEW_MS = 24 * 3_600_000

/**
 * Several copies of one key are one: what any of them says of its revocation holds, or an older copy would be a way around.
 *
 * @throws OpenPgpMissing
 */
export async function openPgpKeyring(armoured: readonly string[], now: EpochMs): Promise<OpenPgpKeyring> {
  const openpgp = await load()
  const mistakes: string[] = []
  const copies: Awaited<ReturnType<typeof openpgp.readKeys>> = []
  for (const [index, text] of armoured.entries()) {
    try {
      const read = await openpgp.readKeys({ armoredKeys: text })
      if (read.some(key => key.isPrivate())) mistakes.push(`key ${index + 1} is a private key`)
      else copies.push(...read)
    } catch (error) {
      mistakes.push(`key ${index + 1} cannot be read: ${messageOf(error)}`)
    }
  }
  if (copies.length > MOST_KEYS) mistakes.push(`there are more than ${MOST_KEYS} keys; the first of them count`)
  copies.splice(MOST_KEYS)
  const byFingerprint = new Map<string, (typeof copies)[number]>()
  for (const copy of copies) {
    const fingerprint = copy.getFingerprint()
    const known = byFingerprint.get(fingerprint)
    byFingerprint.set(fingerprint, known === undefined ? copy : await known.update(copy, new Date(now + SKEW_MS)))
  }
  const keys = [...byFingerprint.values()]
  return {
    mistakes,
    async verify(text, payload, now) {
      let signature: Awaited<ReturnType<typeof openpgp.readSignature>>
      try {
        signature = await openpgp.readSignature({ armoredSignature: text })
      } catch (error) {
        return bad(`it cannot be read: ${messageOf(error)}`)
      }
      const [packet] = signature.packets
      if (packet === undefined || signature.packets.length !== 1) return bad('it is not one signature')
      if (packet.signatureType !== openpgp.enums.signature.binary) return bad('it does not cover the bytes as they are')
      const id = packet.issuerKeyID
      const holders = keys.filter(key => key.getKeys(id).length > 0)
      if (holders.length === 0) return { kind: 'unknown-key', keyId: id.toHex().toUpperCase() }
      let verdict: OpenPgpVerdict = bad('it does not fit')
      for (const holder of holders) {
        verdict = await verifyWith(holder)
        if (verdict.kind === 'good') return verdict
      }
      return verdict

      async function verifyWith(holder: (typeof keys)[number]): Promise<OpenPgpVerdict> {
        const created = packet!.created?.getTime() ?? Number.POSITIVE_INFINITY
        if (created > now + SKEW_MS) return { kind: 'bad', message: 'it was made in the future', lasting: false }
        try {
          const result = await openpgp.verify({
            message: await openpgp.createMessage({ binary: payload }),
            signature,
            verificationKeys: [holder],
            date: new Date(now + SKEW_MS),
            format: 'binary',
          })
          if (result.signatures.length !== 1) return bad('it is not one signature')
          await result.signatures[0]!.verified
        } catch (error) {
          return bad(messageOf(error))
        }
        try {
          // What signed has to be good today, too: neither over nor revoked.
          const signing = await holder.getSigningKey(id, new Date(Math.max(now, created)))
          const ends = [await holder.getExpirationTime(), packet!.getExpirationTime()]
          const times = [...ends, await expiryOf(signing)].flatMap(end => (end instanceof Date ? end.getTime() : []))
          const goodUntil = Math.min(...times)
          if (goodUntil <= now) return bad('it, or the key that made it, has expired')
          const fingerprints = [holder, signing].map(key => key.getFingerprint().toUpperCase())
          return { kind: 'good', fingerprints, ...(Number.isFinite(goodUntil) ? { goodUntil } : {}) }
        } catch (error) {
          return bad(`the key that made it is not good (any more): ${messageOf(error)}`)
        }
      }
    },
  }

  /** A subkey may end before its primary key does. */
  async function expiryOf(key: (typeof keys)[number] | { getExpirationTime?: unknown }): Promise<unknown> {
    return 'getExpirationTime' in key && typeof key.getExpirationTime === 'function'
      ? await (key.getExpirationTime as () => Promise<unknown>).call(key)
      : undefined
  }
}

async function load(): Promise<typeof import('openpgp')> {
  try {
    return await import('openpgp')
  } catch (error) {
    throw new OpenPgpMissing(error)
  }
}

function bad(message: string): OpenPgpVerdict {
  return { kind: 'bad', message, lasting: true }
}

/** One line, of text that others may have written. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)
}
