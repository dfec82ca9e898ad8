import type { Digest } from '../json/canonical-json.ts'
import { type GrantPayload, numberText, type OfferPayload, type TombstonePayload } from './documents.ts'

/** An operation that has begun and not ended, as its record says. */
export interface BegunOperation {
  readonly kind: 'sync' | 'removal'
  readonly grant: GrantPayload
  /** Of the Bundle that it applies. */
  readonly digest: Digest
  /** Where and how it applies that; absent in records of old. */
  readonly terms?: Digest
}

export type GoOnAnswer =
  | { readonly kind: 'go-on' }
  /** It ends here, failed, with this message; what follows it needs a Grant of its own. */
  | { readonly kind: 'end'; readonly message: string }

/**
 * Whether a running operation is still the one that the held document wants (protocol.md 5.2). A newer document that
 * means the same, issued again after another admission, changes nothing; one that wants another Bundle, another place
 * or other options ends it, as a Tombstone ends a sync and an Offer a removal.
 *
 * @param heldTerms Of the held Offer.
 */
export function mayGoOn(
  operation: BegunOperation,
  held: OfferPayload | TombstonePayload,
  heldTerms: Digest | undefined,
): GoOnAnswer {
  const replaced = `document ${numberText(held.number)} replaced it before it ended`
  if (operation.kind === 'removal') {
    if (held.typ === 'offer') return { kind: 'end', message: `the Application is wanted again: ${replaced}` }
    // Its Grant permitted to let go of the objects, and not to delete them.
    const widened = held.policy === 'prune' && !operation.grant.options.prune
    return widened ? { kind: 'end', message: replaced } : { kind: 'go-on' }
  }
  if (held.typ === 'tombstone') return { kind: 'end', message: 'the Application is being removed' }
  if (held.digest !== operation.digest) return { kind: 'end', message: replaced }
  if (operation.terms !== undefined && heldTerms !== operation.terms) {
    return { kind: 'end', message: `${replaced}: it wants another namespace, ceiling or other options` }
  }
  return { kind: 'go-on' }
}

/**
 * Whether a Grant takes the place of an operation that is paused (protocol.md 5.5): a later one of the same document,
 * that may start now although the earlier one may not go on.
 */
export function replacesPaused(paused: GrantPayload, later: GrantPayload): boolean {
  return later.id !== paused.id && later.application === paused.application && later.iat >= paused.iat
}
