import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { orphanView } from '@flotilla/core/orphans/judge-orphan'
import type { OrphanReport } from '@flotilla/core/orphans/orphan-report'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import type { KubernetesClient } from './kubernetes/client.ts'
import { type Claims, claimedIn, type OrphanQuestion, surveyOrphans } from './survey-orphans.ts'

/**
 * Nobody's objects come and go without anybody telling: to watch all kinds of a namespace would hold a connection each.
 * So it is looked again as often as all surveys together take a two-hundredth of the time: a small namespace every
 * minute, many or large ones every ten minutes; jittered.
 */
const TIME_PER_WORK = 200
const SOONEST_MS = 60_000
const LATEST_MS = 10 * 60_000
/** A survey that takes long is made more rarely: no more than a twentieth of the time goes into one. */
const REST_PER_WORK = 20
/** Several Applications of one namespace, and several changes of one, are one survey. */
const SOON_MS = 5_000
const AFTER_FAILURE_MS = 60_000

export interface OrphanSurveyParts extends Claims {
  readonly client: KubernetesClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
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
  /** Not before this, whoever wishes it. */
  restUntilMs: number
  /** How long the last survey took. */
  tookMs: number
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
      const never = { timer: undefined, dueAtMs: Number.POSITIVE_INFINITY, restUntilMs: Number.NEGATIVE_INFINITY }
      area = { namespace, account, ...empty, ...never, tookMs: 0 }
      this.#areas.set(name, area)
    }
    this.#areaOf.set(application.id, area)
    return area
  }

  /** The earliest wish counts. */
  #plan(area: Area, inMs: number): void {
    const { clock, signal } = this.#parts
    const now = clock.monotonicMs()
    const dueAtMs = Math.max(now + inMs, area.restUntilMs)
    if (signal.aborted || dueAtMs >= area.dueAtMs || !this.#isAsked(area)) return
    area.timer?.cancel()
    area.dueAtMs = dueAtMs
    area.timer = clock.setTimer(dueAtMs - now, () => {
      area.dueAtMs = Number.POSITIVE_INFINITY
      this.#running = this.#running.then(() => this.#survey(area))
    })
  }

  #everyMs(): number {
    const work = [...this.#areas.values()].reduce((sum, { tookMs }) => sum + tookMs, 0)
    return Math.min(LATEST_MS, Math.max(SOONEST_MS, work * TIME_PER_WORK))
  }

  #isAsked(area: Area): boolean {
    return this.#areas.get(areaName(area)) === area
  }

  async #survey(area: Area): Promise<void> {
    const { client, clock, random, log, signal, onFound } = this.#parts
    if (signal.aborted || !this.#isAsked(area)) return
    const startedMs = clock.monotonicMs()
    // It was wished for while another one ran.
    if (startedMs < area.restUntilMs) return this.#plan(area, 0)
    const rest = () => {
      const now = clock.monotonicMs()
      area.tookMs = now - startedMs
      area.restUntilMs = now + area.tookMs * REST_PER_WORK
    }
    try {
      const found = await surveyOrphans({
        client: area.account === undefined ? client : client.as(area.account),
        namespace: area.namespace,
        questions: new Map(area.questions),
        claimed: await claimedIn(area.namespace, this.#parts),
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
      rest()
      this.#plan(area, this.#everyMs() * (0.8 + 0.4 * random.fraction()))
    } catch (error) {
      if (signal.aborted) return
      rest()
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
