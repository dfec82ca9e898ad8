import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { PlannedDeletion } from './plan-deletion.ts'

/** Of what was decided or overtaken, so many are kept for each owner: for people who ask what became of it. */
const PAST_KEPT = 20

/** What to write so that the stored plans are those that follow from the Applications. */
export interface PlanChanges {
  readonly put: readonly DeletionPlan[]
  readonly drop: readonly string[]
}

/** The removals that wait for a person or were rejected, one for each owner, and the last that were decided. */
export class DeletionPlans {
  /** Owners whose Applications changed and whose plan has not been looked at since: a write in between may fail. */
  readonly pending = new Set<string>()
  readonly #current = new Map<string, DeletionPlan>()
  /** Oldest first. */
  readonly #past = new Map<string, readonly DeletionPlan[]>()

  async restore(rows: StoreReader): Promise<void> {
    for (const plan of await rows.deletionPlans()) this.#take(plan)
  }

  current(claimant: string): DeletionPlan | undefined {
    return this.#current.get(claimant)
  }

  /** Owners that something waits for. */
  claimants(): readonly string[] {
    return [...this.#current.keys()]
  }

  plan(id: string): DeletionPlan | undefined {
    for (const plan of this.#current.values()) if (plan.id === id) return plan
    for (const plans of this.#past.values()) for (const plan of plans) if (plan.id === id) return plan
    return undefined
  }

  /**
   * What has to be written because an owner's list is this now: the same list stays the same plan, decided or not;
   * another one begins to wait anew.
   */
  changesFor(
    claimant: string,
    planned: PlannedDeletion | undefined,
    make: { readonly now: EpochMs; newId(): string },
  ): PlanChanges {
    const before = this.#current.get(claimant)
    if (before?.digest === planned?.digest) return { put: [], drop: [] }
    const put: DeletionPlan[] = []
    if (before) put.push({ ...before, state: 'superseded' })
    if (planned) put.push({ ...planned, id: make.newId(), since: make.now, state: 'held' })
    return { put, drop: this.#outdated(claimant, before ? 1 : 0) }
  }

  /** What has to be written because somebody approved the plan of this owner. */
  changesOfApproval(plan: DeletionPlan): PlanChanges {
    return { put: [plan], drop: this.#outdated(plan.claimant, 1) }
  }

  #outdated(claimant: string, coming: number): readonly string[] {
    const past = this.#past.get(claimant) ?? []
    return past.slice(0, Math.max(0, past.length + coming - PAST_KEPT)).map(({ id }) => id)
  }

  /** Takes over what has been written. */
  take({ put, drop }: PlanChanges): void {
    for (const plan of put) this.#take(plan)
    for (const [claimant, plans] of this.#past) {
      const kept = plans.filter(({ id }) => !drop.includes(id))
      if (kept.length === 0) this.#past.delete(claimant)
      else if (kept.length < plans.length) this.#past.set(claimant, kept)
    }
  }

  #take(plan: DeletionPlan): void {
    const { claimant, id, state } = plan
    if (state === 'held' || state === 'rejected') {
      this.#current.set(claimant, plan)
      return
    }
    if (this.#current.get(claimant)?.id === id) this.#current.delete(claimant)
    const others = (this.#past.get(claimant) ?? []).filter(past => past.id !== id)
    this.#past.set(claimant, [...others, plan])
  }
}
