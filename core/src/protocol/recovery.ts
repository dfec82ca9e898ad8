import type { EpochMs } from '../time/epoch-ms.ts'
import { compareNumbers, type DocumentNumber } from './documents.ts'

/**
 * The rules of a hub whose store was lost or is behind (protocol.md 5.7), as values: what a document in an agent's
 * hands proves, which epoch comes next, which ids are taken over. Verifying signatures and storing are the shells' work.
 */

/** What the store says of the line that a proved document is on. */
export interface KnownLine {
  /** The highest number that the store ever gave out for the cluster. */
  readonly upTo: DocumentNumber
  /**
   * The current document of that line; absent when the store has none. Content is compared, not signatures: after a
   * rotation of keys the same document is signed anew.
   */
  readonly current?: { readonly number: DocumentNumber; readonly content: string }
}

/**
 * `issued`: the store has it. `possible`: it may have, and has forgotten it since: an older document of the line, or a
 * line that ended. `not-issued`: this hub's key has signed a number that this store never gave out, or gave to
 * something else: the store is behind.
 */
export type ProofVerdict = 'issued' | 'possible' | 'not-issued'

/**
 * Judges a document that bears this hub's signature. A line only ever moves up, so a document above what the line has
 * now was never on it, whatever number the cluster has come to since: a hub that went on issuing after it lost its
 * memory is found out as well.
 */
export function judgeProof(
  proof: { readonly number: DocumentNumber; readonly content: string },
  known: KnownLine,
): ProofVerdict {
  if (compareNumbers(proof.number, known.upTo) > 0) return 'not-issued'
  // Of before the last recovery: that the store was behind then is known.
  if (proof.number.epoch < known.upTo.epoch) return 'possible'
  if (!known.current) return 'possible'
  const order = compareNumbers(proof.number, known.current.number)
  if (order > 0) return 'not-issued'
  if (order < 0) return 'possible'
  return proof.content === known.current.content ? 'issued' : 'not-issued'
}

/** What an admission says that bears this hub's signature, or what the store has. */
export interface AdmittedKey {
  readonly admission: number
  /** How many keys it followed under that admission. Default: 0. */
  readonly keyNumber?: number
  /** Of the cluster's numbers then. */
  readonly epoch?: number
}

/**
 * Judges an admission for another key than the one that the store names. A cluster's keys follow one another, so that
 * of two the later is the one that counts.
 *
 * `superseded`: the store's key came after it. `forgotten`: it came after the store's, and before the last recovery:
 * that the store was behind then is known. `not-issued`: this store never knew of it, and nobody has said so yet.
 *
 * @param known Of the cluster that the admission names; absent when the store has none.
 * @param epoch Of the last recovery: what joined since has it.
 */
export function judgeAdmission(
  shown: AdmittedKey,
  known: AdmittedKey | undefined,
  epoch = 0,
): 'superseded' | 'forgotten' | 'not-issued' {
  if (known) {
    const order = shown.admission - known.admission || (shown.keyNumber ?? 0) - (known.keyNumber ?? 0)
    if (order <= 0) return 'superseded'
  }
  const isOfBefore = shown.epoch !== undefined && shown.epoch < (known ? (known.epoch ?? 0) : epoch)
  return isOfBefore ? 'forgotten' : 'not-issued'
}

/** Epochs are below this: what `3.41` may have before its point. */
const HIGHEST_EPOCH = 999_999_999_999_999

/**
 * The epoch that `hub recover` raises to: above everything that the store gave out and everything that was proved, and
 * at least the time in seconds, so that a hub that is restored from one backup twice, before anyone has proved
 * anything, still does not use an epoch a second time.
 *
 * @throws RangeError when somebody has used up all epochs; a proved one is signed by this hub, so nobody else can.
 */
export function recoveredEpoch(stored: Iterable<number>, proved: number | undefined, now: EpochMs): number {
  let highest = proved ?? 0
  for (const epoch of stored) if (epoch > highest) highest = epoch
  const epoch = Math.max(highest + 1, Math.floor(now / 1000))
  if (epoch > HIGHEST_EPOCH) throw new RangeError('there is no epoch above the highest one proved')
  return epoch
}

/** An Offer or Tombstone that an agent holds, its signature and its cluster checked. */
export interface ProvedDocument {
  readonly typ: 'offer' | 'tombstone'
  readonly number: DocumentNumber
  readonly application: { readonly id: string; readonly name: string }
}

/** What the hub has under an id or a name. */
export interface KnownApplication {
  readonly id: string
  /** The cluster that it belongs to for ever; absent while it was never offered. */
  readonly clusterId?: string
  /**
   * Whether nobody can hold it: it was never offered, or only by a store that was behind or under an earlier admission,
   * to a copy of the cluster; the agent that is admitted has shown everything and does not have it.
   */
  readonly unheld: boolean
}

export type Adoption = {
  readonly id: string
  readonly name: string
} & (
  | { readonly kind: 'known' }
  /** The name is this id's; `replaces` is the id that the hub had made for it meanwhile. */
  | { readonly kind: 'adopted'; readonly replaces?: string }
  /** The id is another cluster's here, or the name another Application's that is held: it stays unclaimed. */
  | { readonly kind: 'refused'; readonly reason: 'id-of-another-cluster' | 'name-in-use' }
)

/**
 * Decides which ids of one cluster's agent are taken over (protocol.md 5.7). What stands under a Tombstone is taken over
 * too: when its name is declared again it is what returned, and under another id its own objects would be in its way
 * for good; while nobody declares it, it stays unclaimed. Of two documents with one name an Offer counts before a
 * Tombstone, then the newer one. The order in which they arrive does not matter.
 *
 * @param byId What the hub has under an id, on whatever cluster.
 * @param byName What the hub has under a name on this cluster.
 */
export function decideAdoptions(
  clusterId: string,
  proved: readonly ProvedDocument[],
  byId: (id: string) => KnownApplication | undefined,
  byName: (name: string) => KnownApplication | undefined,
): readonly Adoption[] {
  const newest = new Map<string, ProvedDocument>()
  for (const document of proved) {
    const other = newest.get(document.application.name)
    if (!other || isAbove(document, other)) newest.set(document.application.name, document)
  }
  const ids = new Set(proved.map(({ application }) => application.id))
  const decide = ({ application: { id, name } }: ProvedDocument): Adoption => {
    const known = byId(id)
    if (known?.clusterId !== undefined && known.clusterId !== clusterId)
      return { kind: 'refused', id, name, reason: 'id-of-another-cluster' }
    if (known) return { kind: 'known', id, name }
    const namesake = byName(name)
    if (!namesake) return { kind: 'adopted', id, name }
    if (ids.has(namesake.id) || !namesake.unheld) return { kind: 'refused', id, name, reason: 'name-in-use' }
    return { kind: 'adopted', id, name, replaces: namesake.id }
  }
  return [...newest.values()].map(decide).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** An Offer before a Tombstone, then by number; the id decides between equals, so that the order of arrival does not. */
function isAbove(a: ProvedDocument, b: ProvedDocument): boolean {
  if (a.typ !== b.typ) return a.typ === 'offer'
  const order = compareNumbers(a.number, b.number)
  return order > 0 || (order === 0 && a.application.id > b.application.id)
}

/**
 * How far one cluster has come after a recovery.
 *
 * `unproved`: its agent has not shown what it holds, so nothing is offered to it. `proved`: it has, and has not
 * reported since; no Tombstone goes to it. Absent: it has done both, or nothing was recovered since it joined.
 */
export type ClusterRecovery = 'unproved' | 'proved'

/** Why no Tombstone may be issued for a cluster, if there is a reason (protocol.md 5.7). */
export function mayNotRemove(
  recovery: ClusterRecovery | undefined,
  everySetFresh: boolean,
): 'not-proved' | 'not-reported' | 'sets-not-fresh' | undefined {
  if (recovery === undefined) return undefined
  if (recovery === 'unproved') return 'not-proved'
  return everySetFresh ? 'not-reported' : 'sets-not-fresh'
}
