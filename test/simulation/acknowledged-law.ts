import type { Store } from '@flotilla/core/ports/store'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { decodeReportsAnswer } from '@flotilla/core/protocol/report-batch'
import { isCopy } from './cluster-copies.ts'

/**
 * What the hub said it took, it has: an answer leaves only after its commit is durable, whatever dies afterwards.
 */
export class AcknowledgedLaw {
  readonly #breach: (sentence: string) => void
  /** By Application: the newest report that the hub said it took. */
  readonly #taken = new Map<string, { readonly inc: number; readonly n: number }>()
  /** Ids of Applications that a copy of their cluster has said to be gone, and was believed: nobody knew it for a copy. */
  readonly endedByCopies = new Set<string>()

  constructor(breach: (sentence: string) => void) {
    this.#breach = breach
  }

  /** A hub has answered a batch of reports of this machine. */
  reports(machine: string, batch: Uint8Array | undefined, answer: Uint8Array): void {
    const sent = entriesOf(batch)
    const answered = decodeReportsAnswer(answer)
    if (!sent || answered.kind === 'refused') {
      this.#breach('reports were answered in another form')
      return
    }
    const taken = new Set(answered.value.taken)
    for (const entry of sent) {
      if (entry.gone && isCopy(machine) && taken.has(entry.application)) this.endedByCopies.add(entry.application)
      const before = this.#taken.get(entry.application)
      if (!taken.has(entry.application) || (before && (before.inc - entry.inc || before.n - entry.n) > 0)) continue
      this.#taken.set(entry.application, { inc: entry.inc, n: entry.n })
    }
  }

  /** A store was restored as it was at an earlier time: what came after is lost, and everybody knows. */
  restored(): void {
    this.#taken.clear()
  }

  /** Something was answered that has not been looked for. */
  get waits(): boolean {
    return this.#taken.size > 0
  }

  async look(store: Store): Promise<void> {
    if (this.#taken.size === 0) return
    const taken = [...this.#taken]
    this.#taken.clear()
    const stored = await store.read(async rows => {
      const found: { readonly known: boolean; readonly entry: ReportEntry | undefined }[] = []
      for (const [id] of taken) {
        found.push({ known: (await rows.application(id)) !== undefined, entry: (await rows.report(id))?.entry })
      }
      return found
    })
    for (const [index, [id, { inc, n }]] of taken.entries()) {
      const { known, entry } = stored[index]!
      if (!known) continue
      if (!entry) this.#breach(`the hub took report ${inc}.${n} of ${id} and has none`)
      else if ((entry.inc - inc || entry.n - n) < 0) {
        this.#breach(`the hub took report ${inc}.${n} of ${id} and has ${entry.inc}.${entry.n}`)
      }
    }
  }
}

/** Only what the law asks for is looked at: all of it was read by the hub that said it took it. */
function entriesOf(batch: Uint8Array = new Uint8Array()): readonly ReportEntry[] | undefined {
  const text = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength).toString('utf8')
  const { entries } = JSON.parse(text || '{}') as { readonly entries?: readonly ReportEntry[] }
  return Array.isArray(entries) ? entries : undefined
}
