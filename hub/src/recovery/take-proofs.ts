import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { ClusterRow, Store } from '@flotilla/core/ports/store'
import { type NumberedDocument, numberText } from '@flotilla/core/protocol/documents'
import type { PublicKeys } from '@flotilla/core/protocol/ed25519'
import { readJws } from '@flotilla/core/protocol/jws'
import { decodeProofPage } from '@flotilla/core/protocol/proofs'
import { judgeProof } from '@flotilla/core/protocol/recovery'
import { readDocument } from '@flotilla/core/protocol/signed-document'
import { lineOf } from '@flotilla/core/protocol/take-document'
import { refuse, respond } from '../gateway/respond.ts'
import type { Recovery } from './recovery.ts'

/** A document as an agent has shown it, its signature checked. */
export interface ShownDocument {
  readonly payload: Exclude<NumberedDocument, { readonly typ: 'calendar' }>
  readonly jws: string
}

export interface ProofParts {
  readonly store: Store
  readonly clock: Clock
  readonly recovery: Recovery
  readonly keys: () => PublicKeys
  /** Takes over what an agent has shown, whole. */
  readonly adopt: (cluster: ClusterRow, shown: readonly ShownDocument[]) => Promise<void>
  /** A cluster has shown and reported everything since the last recovery. */
  readonly caughtUp: (clusterName: string) => void
}

/** Documents of one agent that are kept until it has shown the last. */
const MOST_DOCUMENTS = 50_000

interface Showing {
  readonly nonce: string
  next: number
  /** By what was signed: whatever an agent repeats, no more is kept than this hub has signed for it. */
  readonly shown: Map<string, ShownDocument>
}

/**
 * Reads what agents hold (protocol.md 5.7), page by page: each document that bears this hub's signature for that
 * cluster is compared with the store, and when all was shown, what there is of ids is taken over.
 */
export class ProofTaker {
  readonly #parts: ProofParts
  readonly #showings = new Map<string, Showing>()
  /** Under which generation a cluster has shown everything. */
  readonly #done = new Map<string, string>()

  constructor(parts: ProofParts) {
    this.#parts = parts
  }

  /** Whether this cluster's agent is to show what it holds. */
  wants(cluster: Pick<ClusterRow, 'id' | 'recovery'>): boolean {
    const { recovery } = this.#parts
    if (cluster.recovery === 'unproved') return true
    return recovery.behind && this.#done.get(cluster.id) !== recovery.generation
  }

  async take(cluster: ClusterRow, body: Uint8Array | undefined): Promise<HubResponse> {
    const decoded = decodeProofPage(body ?? new Uint8Array())
    if (decoded.kind === 'refused') return refuse(400, 'MALFORMED', decoded.message)
    const { showing: nonce, page, last, documents } = decoded.value
    let showing = this.#showings.get(cluster.id)
    if (page === 0) showing = { nonce, next: 0, shown: new Map() }
    if (showing?.nonce !== nonce || showing.next !== page) {
      return refuse(409, 'SHOWING', 'this page does not follow the one before; begin again')
    }
    this.#showings.set(cluster.id, showing)
    if (showing.shown.size + documents.length > MOST_DOCUMENTS) {
      this.#showings.delete(cluster.id)
      return refuse(413, 'TOO_LARGE', `at most ${MOST_DOCUMENTS} documents are compared`)
    }
    let believed = 0
    for (const jws of documents) {
      const read = await this.#compare(cluster, jws)
      if (!read) continue
      believed++
      if (read.typ !== 'calendar') showing.shown.set(contentOf(jws), { payload: read, jws })
    }
    showing.next = page + 1
    if (last) {
      this.#showings.delete(cluster.id)
      this.#done.set(cluster.id, this.#parts.recovery.generation)
      const current = await this.#parts.store.read(rows => rows.cluster(cluster.id))
      // What turned out just now makes the store behind again: nothing is taken over into it.
      if (current?.recovery === 'unproved' && !this.#parts.recovery.behind)
        await this.#parts.adopt(current, [...showing.shown.values()])
    }
    return respond(200, { believed, next: page + 1 })
  }

  get behind(): boolean {
    return this.#parts.recovery.behind
  }

  /** Both sides agree on what was reported: the last thing that is waited for after a recovery. */
  async reported(clusterId: string): Promise<void> {
    const { store, caughtUp } = this.#parts
    const name = await store.write(async rows => {
      const row = await rows.cluster(clusterId)
      if (row?.recovery !== 'proved') return undefined
      const { recovery: _, ...rest } = row
      await rows.putCluster(rest)
      return row.name
    })
    if (name !== undefined) caughtUp(name)
  }

  /** Compares the highest document of a hello. */
  async hear(cluster: ClusterRow, jws: string): Promise<void> {
    await this.#compare(cluster, jws)
  }

  /** The document, if this hub has signed it for that cluster; undefined otherwise. */
  async #compare(cluster: ClusterRow, jws: string): Promise<NumberedDocument | undefined> {
    const { recovery, store, keys } = this.#parts
    const unverified = readJws(jws)
    // An earlier admission's documents prove as much.
    const adm = unverified.kind === 'unverified' ? Number(unverified.payload['adm']) : 0
    const read = readDocument(jws, { cluster: cluster.id, adm, keys: keys() })
    if (read.kind === 'refused' || !('number' in read.document)) return undefined
    const document = read.document
    const { known, current } = await store.read(async rows => ({
      known: (await rows.cluster(cluster.id)) ?? cluster,
      current: await rows.document(cluster.id, lineOf(document)),
    }))
    const { number } = document
    const verdict = judgeProof(
      { number, content: contentOf(jws) },
      {
        upTo: { epoch: known.epoch, n: known.lastNumber },
        ...(current && { current: { number: current.number, content: contentOf(current.jws) } }),
      },
    )
    if (verdict === 'not-issued') {
      const shown = numberText(number)
      const evidence = {
        cluster: cluster.id,
        clusterName: cluster.name,
        shown,
        known: numberText({ epoch: known.epoch, n: known.lastNumber }),
      }
      await recovery.found('proved', evidence, number.epoch)
    }
    return document
  }
}

/** What was signed, without by which key: canonical, so that equal content is equal text. */
function contentOf(jws: string): string {
  return jws.split('.', 2)[1] ?? ''
}
