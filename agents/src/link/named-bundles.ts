import type { Digest } from '@flotilla/core/json/canonical-json'
import type { OfferPayload, TombstonePayload } from '@flotilla/core/protocol/documents'
import type { Outbox } from './outbox.ts'

/**
 * The Bundles that are kept (protocol.md 6): of every Offer that is held, which is what a Grant means too, of operations
 * that have not ended, and of each last success. Undefined while that is not known of every Application: then nothing
 * is to be swept.
 *
 * @param inUse What the engine's records name; undefined before they were read.
 */
export function namedBundles(
  held: Iterable<OfferPayload | TombstonePayload>,
  outbox: Pick<Outbox, 'hasReported' | 'digests'>,
  inUse: ReadonlySet<Digest> | undefined,
): ReadonlySet<Digest> | undefined {
  if (!inUse) return undefined
  const named = new Set([...outbox.digests(), ...inUse])
  for (const document of held) {
    if (!outbox.hasReported(document.application.id)) return undefined
    if (document.typ === 'offer') named.add(document.digest)
  }
  return named
}
