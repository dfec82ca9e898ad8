import * as v from 'valibot'
import {
  type CalendarPayload,
  type CommandPayload,
  compareNumbers,
  type DocumentNumber,
  type GrantPayload,
  type NumberedDocument,
  numberText,
} from './documents.ts'
import { readJws, saysTheSame } from './jws.ts'
import { id as idSchema } from './schema.ts'
import { type DocumentContext, type DocumentRefusalCode, type Refused, readDocument } from './signed-document.ts'

/** One line of numbers: `application/<id>` (its Offers and Tombstones share it) or `calendar`. */
export type LineKey = string

export const CALENDAR_LINE: LineKey = 'calendar'

export interface HeldDocument {
  readonly line: LineKey
  /** As signed, byte for byte: what is kept, and what proves it later. */
  readonly jws: string
  readonly payload: NumberedDocument
}

export interface HeldState {
  /** The current document of each line. */
  readonly documents: ReadonlyMap<LineKey, HeldDocument>
  /**
   * Lines that ended (a removal reported and acknowledged) with their last number, so that nothing older can come
   * back on them.
   */
  readonly retired: ReadonlyMap<LineKey, DocumentNumber>
  /** Nothing at or below is taken on a line that holds nothing: what other witnesses prove was taken before. */
  readonly floor?: DocumentNumber
}

export type TakeRefusalCode = DocumentRefusalCode | 'OLDER' | 'NUMBER_REUSED' | 'NOT_NUMBERED'

export type Taking =
  | { readonly kind: 'taken'; readonly held: HeldDocument }
  /** The same number with the same bytes: a success that changes nothing. */
  | { readonly kind: 'same'; readonly held: HeldDocument }
  | Refused<TakeRefusalCode>

export const NOTHING_HELD: HeldState = { documents: new Map(), retired: new Map() }

/**
 * Decides whether a signed Offer, Tombstone or calendar is taken (protocol.md 5.1 and 5.2). Pure: the shell performs a
 * taking as one atomic write of {@link HeldDocument.jws}, in which the number stands.
 *
 * Numbers are compared within a line, so the order in which documents of different Applications arrive does not
 * matter and what is held at last depends on the numbers alone.
 */
export function takeDocument(held: HeldState, jws: string, context: DocumentContext): Taking {
  const read = readDocument(jws, context)
  if (read.kind === 'refused') return read
  const payload = read.document
  if (payload.typ === 'grant' || payload.typ === 'command') {
    return { kind: 'refused', code: 'NOT_NUMBERED', message: `a ${payload.typ} has an id, not a number` }
  }
  const line = lineOf(payload)
  const current = held.documents.get(line)
  const taken: HeldDocument = { line, jws, payload }
  if (current) {
    const order = compareNumbers(payload.number, current.payload.number)
    if (order > 0) return { kind: 'taken', held: taken }
    if (order === 0 && saysTheSame(jws, current.jws)) return { kind: 'same', held: current }
    return order === 0 ? reused(payload.number) : older(payload.number, current.payload.number)
  }
  const retired = held.retired.get(line)
  if (retired && compareNumbers(payload.number, retired) <= 0) return older(payload.number, retired)
  if (held.floor && compareNumbers(payload.number, held.floor) <= 0) return older(payload.number, held.floor)
  return { kind: 'taken', held: taken }
}

/** The held state after a taking; shells that keep a map of their own set one entry instead. */
export function withTaken(state: HeldState, taking: Taking): HeldState {
  if (taking.kind !== 'taken') return state
  const documents = new Map(state.documents).set(taking.held.line, taking.held)
  const retired = new Map(state.retired)
  retired.delete(taking.held.line)
  return { ...state, documents, retired }
}

/**
 * Ends a line whose removal was reported and acknowledged. At most `maxRetired` ended lines are remembered one by
 * one; beyond that the lowest number becomes the floor, which forgets nothing and only refuses more.
 */
export function retireLine(state: HeldState, line: LineKey, maxRetired = 2000): HeldState {
  const current = state.documents.get(line)
  if (!current) return state
  const documents = new Map(state.documents)
  documents.delete(line)
  const retired = new Map(state.retired).set(line, current.payload.number)
  if (retired.size <= maxRetired) return { ...state, documents, retired }
  const [lowest] = [...retired].sort((a, b) => compareNumbers(a[1], b[1]))
  if (!lowest) return { ...state, documents, retired }
  retired.delete(lowest[0])
  const floor = state.floor && compareNumbers(state.floor, lowest[1]) > 0 ? state.floor : lowest[1]
  return { documents, retired, floor }
}

/**
 * Lines that gave way: the hub names them no more, and offers their Application's name under another id, by a newer
 * number. Both are its own signatures for this cluster, in which a name is one Application's at a time: the older one
 * ended where this agent did not hear of it, because a copy of the cluster spoke for it or an old state came back.
 *
 * @param unclaimed Application ids that the hub does not name.
 */
export function outlivedLines({ documents }: HeldState, unclaimed: ReadonlySet<string>): readonly LineKey[] {
  if (unclaimed.size === 0) return []
  const offered = new Map<string, DocumentNumber>()
  for (const { payload } of documents.values()) {
    if (payload.typ === 'offer' && !unclaimed.has(payload.application.id)) {
      offered.set(payload.application.name, payload.number)
    }
  }
  return [...documents.values()].flatMap(({ line, payload }) => {
    if (payload.typ === 'calendar' || !unclaimed.has(payload.application.id)) return []
    const newer = offered.get(payload.application.name)
    return newer && compareNumbers(newer, payload.number) > 0 ? [line] : []
  })
}

/** Reads a Grant; whether it may start anything is `may-start.ts`'s question, asked again each time. */
export function takeGrant(
  jws: string,
  context: DocumentContext,
): { readonly kind: 'taken'; readonly grant: GrantPayload } | Refused<DocumentRefusalCode | 'NOT_A_GRANT'> {
  const read = readDocument(jws, context)
  if (read.kind === 'refused') return read
  if (read.document.typ !== 'grant') return { kind: 'refused', code: 'NOT_A_GRANT', message: 'it is no Grant' }
  return { kind: 'taken', grant: read.document }
}

/**
 * Reads a command; whether it may be done is `may-run-command.ts`'s question. A refusal names the id where the command is
 * really the hub's and for this cluster, so that it can be answered: an unknown verb is told, not kept silent about.
 */
export function takeCommand(
  jws: string,
  context: DocumentContext,
):
  | { readonly kind: 'taken'; readonly command: CommandPayload }
  | (Refused<DocumentRefusalCode | 'NOT_A_COMMAND'> & { readonly id?: string }) {
  const read = readDocument(jws, context)
  if (read.kind === 'refused') {
    const id = read.code === 'MALFORMED' || read.code === 'NOT_UNDERSTOOD' ? commandId(jws, context) : undefined
    return { ...read, ...(id !== undefined && { id }) }
  }
  if (read.document.typ !== 'command') return { kind: 'refused', code: 'NOT_A_COMMAND', message: 'it is no command' }
  return { kind: 'taken', command: read.document }
}

/** The id of what was signed for us and cannot be read further; its signature has held already. */
function commandId(jws: string, { cluster, adm }: DocumentContext): string | undefined {
  const read = readJws(jws)
  if (read.kind === 'refused' || read.typ !== 'command') return undefined
  const { id, cluster: of, adm: under } = read.payload
  return typeof id === 'string' && v.is(idSchema, id) && of === cluster && under === adm ? id : undefined
}

export function lineOf(payload: NumberedDocument): LineKey {
  return payload.typ === 'calendar' ? CALENDAR_LINE : applicationLine(payload.application.id)
}

export function applicationLine(applicationId: string): LineKey {
  return `application/${applicationId}`
}

/** The calendar of a held state. */
export function heldCalendar(state: Pick<HeldState, 'documents'>): CalendarPayload | undefined {
  const payload = state.documents.get(CALENDAR_LINE)?.payload
  return payload?.typ === 'calendar' ? payload : undefined
}

/** The highest number taken, on any line, ended ones included. */
export function highestNumber(state: HeldState): DocumentNumber | undefined {
  let highest = state.floor
  const consider = (number: DocumentNumber): void => {
    if (!highest || compareNumbers(number, highest) > 0) highest = number
  }
  for (const { payload } of state.documents.values()) consider(payload.number)
  for (const number of state.retired.values()) consider(number)
  return highest
}

function older(number: DocumentNumber, than: DocumentNumber): Refused<'OLDER'> {
  return {
    kind: 'refused',
    code: 'OLDER',
    message: `its number ${numberText(number)} is not above ${numberText(than)}, which was taken before`,
  }
}

function reused(number: DocumentNumber): Refused<'NUMBER_REUSED'> {
  return {
    kind: 'refused',
    code: 'NUMBER_REUSED',
    message: `its number ${numberText(number)} is held with another content`,
  }
}
