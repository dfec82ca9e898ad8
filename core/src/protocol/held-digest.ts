import type { Digest } from '../json/canonical-json.ts'
import { digestOfLines } from './digest-lines.ts'
import { type DocumentNumber, type NumberedDocument, numberText } from './documents.ts'

/** The id under which the newest hub key known stands among the lines. */
export const HUB_KEYS_ID = 'hub-keys'
/** The id under which the calendar stands among the lines. */
export const CALENDAR_ID = 'calendar'

/** One document as a line of `held`: `id number digest` (protocol.md 6); a Tombstone has its kind for a digest. */
export function heldLine(document: {
  readonly typ: NumberedDocument['typ']
  readonly number: DocumentNumber
  readonly applicationId?: string
  readonly digest?: Digest
}): string {
  const number = numberText(document.number)
  switch (document.typ) {
    case 'calendar':
      return `${CALENDAR_ID} ${number} -`
    case 'tombstone':
      return `${document.applicationId} ${number} tombstone`
    case 'offer':
      return `${document.applicationId} ${number} ${document.digest}`
  }
}

/** The line of a held payload. */
export function heldLineOf(payload: NumberedDocument): string {
  return heldLine({
    typ: payload.typ,
    number: payload.number,
    applicationId: payload.typ === 'calendar' ? undefined : payload.application.id,
    digest: payload.typ === 'offer' ? payload.digest : undefined,
  })
}

export function hubKeysLine(newestKid: string): string {
  return `${HUB_KEYS_ID} ${newestKid} -`
}

/** `held`: SHA-256 over the sorted lines of everything held. */
export function heldDigest(lines: Iterable<string>): Digest {
  return digestOfLines(lines)
}
