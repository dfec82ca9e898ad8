import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { orphanView } from '@flotilla/core/orphans/judge-orphan'
import type { OrphanReport } from '@flotilla/core/orphans/orphan-report'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import type { InventoryStore } from './inventory-store.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import type { HubLink } from './link/hub-link.ts'
import { inventoriedIn, type OrphanQuestion, surveyOrphans } from './survey-orphans.ts'

/** Nobody's objects come and go without anybody telling; jittered. */
const EVERY_MS = 10 * 60 * 1000
/** A survey that takes long is made more rarely: no more than a twentieth of the time goes into one. */
const REST_PER_WORK = 20
/** Several Applications of one namespace, and several changes of one, are one survey. */
const SOON_MS = 5_000
const AFTER_FAILURE_MS = 60_000

export interface OrphanSurveyParts {
  readonly client: KubernetesClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly link: HubLink
  readonly inventories: InventoryStore
  readonly signal: AbortSignal
  /** Called when what is known for an Application changed. */
  readonly onFound: (applicationId: string) => void
}

/** One namespace, seen with the rights of one account. */
interface Area {
  readonly namespace: string
  readonly account: string | undefined
  /** What each Application wants to know. */
  readonly asking: Map<string, string>
  readonly questions: Map<string, OrphanQuestion>
  readonly found: Map<string, OrphanReport>
  timer: Timer | undefined
  dueAtMs: number
}

/**
 * Keeps count of the objects that no Application declares, for the Projects that ask: a survey of a namespace answers
 * all its Applications, one survey runs at a time, and where nobody asks nothing is listed.
 */
export class OrphanSurveys {
  readonly #parts: OrphanSurveyParts
  readonly #areas = new Map<string, Area>()
  readonly #areaOf = new Map<string, Area>()
  #running: Promise<void> = Promise.resolve()

  constructor(parts: OrphanSurveyParts) {
    this.#parts = parts
  }

  /** What was last found for the Application; undefined where its Project does not ask, or nothing was looked at yet. */
  of(offer: OfferPayload): OrphanReport | undefined {
    const { application, orphans, namespace, ceiling } = offer
    if (!orphans || namespace === '') {
      this.forget(application.id)
      return undefined
    }
    const area = this.#areaFor(offer)
    const question = canonicalJson([orphans, ceiling] as unknown as Json)
    if (area.asking.get(application.id) !== question) {
      area.asking.set(application.id, question)
      if (!area.questions.has(question)) {
        area.questions.set(question, { warn: orphans.warn, view: orphanView(orphans, ceiling, namespace) })
        this.#plan(area, SOON_MS)
      }
      prune(area)
    }
    return area.found.get(question)
  }

  /** Something was written or let go there. */
  soon(applicationId: string): void {
    const area = this.#areaOf.get(applicationId)
    if (area) this.#plan(area, SOON_MS)
  }

  forget(applicationId: string): void {
    const area = this.#areaOf.get(applicationId)
    if (!area) return
    this.#areaOf.delete(applicationId)
    area.asking.delete(applicationId)
    prune(area)
    if (area.asking.size > 0) return
    area.timer?.cancel()
    this.#areas.delete(areaName(area))
  }

  async stop(): Promise<void> {
    for (const { timer } of this.#areas.values()) timer?.cancel()
    this.#areas.clear()
    this.#areaOf.clear()
    await this.#running
  }

  #areaFor({ application, namespace, ceiling }: OfferPayload): Area {
    const account = ceiling.serviceAccount
    const name = areaName({ namespace, account })
    const before = this.#areaOf.get(application.id)
    if (before && areaName(before) !== name) this.forget(application.id)
    let area = this.#areas.get(name)
    if (!area) {
      const empty = { asking: new Map(), questions: new Map(), found: new Map() }
      area = { namespace, account, ...empty, timer: undefined, dueAtMs: Number.POSITIVE_INFINITY }
      this.#areas.set(name, area)
    }
    this.#areaOf.set(application.id, area)
    return area
  }

  /** The earliest wish counts. */
  #plan(area: Area, inMs: number): void {
    const { clock, signal } = this.#parts
    const dueAtMs = clock.monotonicMs() + inMs
    if (signal.aborted || dueAtMs >= area.dueAtMs) return
    area.timer?.cancel()
    area.dueAtMs = dueAtMs
    area.timer = clock.setTimer(inMs, () => {
      area.dueAtMs = Number.POSITIVE_INFINITY
      this.#running = this.#running.then(() => this.#survey(area))
    })
  }

  async #survey(area: Area): Promise<void> {
    const { client, clock, random, log, link, inventories, signal, onFound } = this.#parts
    if (signal.aborted || this.#areas.get(areaName(area)) !== area) return
    const startedMs = clock.monotonicMs()
    try {
      const found = await surveyOrphans({
        client: area.account === undefined ? client : client.as(area.account),
        namespace: area.namespace,
        questions: new Map(area.questions),
        inventoried: await inventoriedIn(area.namespace, link, inventories),
        signal,
      })
      const changed = new Set<string>()
      for (const [question, report] of found) {
        if (!area.questions.has(question)) continue
        const before = area.found.get(question)
        area.found.set(question, report)
        if (canonicalJson(report as unknown as Json) !== canonicalJson((before ?? null) as unknown as Json)) {
          changed.add(question)
        }
      }
      for (const [id, question] of area.asking) if (changed.has(question)) onFound(id)
      const tookMs = clock.monotonicMs() - startedMs
      this.#plan(area, Math.max(EVERY_MS, tookMs * REST_PER_WORK) * (0.8 + 0.4 * random.fraction()))
    } catch (error) {
      if (signal.aborted) return
      // What was found before stays until it can be looked at again.
      log.warn('orphaned objects could not be looked for', { namespace: area.namespace, error: String(error) })
      this.#plan(area, AFTER_FAILURE_MS * (0.8 + 0.4 * random.fraction()))
    }
  }
}

function areaName({ namespace, account }: Pick<Area, 'namespace' | 'account'>): string {
  return `${namespace} ${account ?? ''}`
}

/** Questions that nobody asks any more go, with what was found for them. */
function prune({ asking, questions, found }: Area): void {
  const asked = new Set(asking.values())
  for (const question of questions.keys()) {
    if (asked.has(question)) continue
    questions.delete(question)
    found.delete(question)
  }
}
