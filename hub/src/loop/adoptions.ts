import { createHash } from 'node:crypto'
import {
  type AdoptionScope,
  type AdoptionSubject,
  type AdoptionVerdict,
  approvedTools,
  sameScope,
  scopeOf,
  withVerdict,
} from '@flotilla/core/decide/adoption'
import type { JsonObject } from '@flotilla/core/json/json'
import type { DeliveryTool } from '@flotilla/core/plan/tracking'
import type { ApplicationRow, StoreReader, StoreWriter } from '@flotilla/core/ports/store'

const SETTING = 'adoptions'

/** What people have said about taking objects over from other tools, as stored and in memory. */
export class Adoptions {
  #verdicts: readonly AdoptionVerdict[] = []

  async load(rows: StoreReader): Promise<void> {
    const stored = await rows.setting(SETTING)
    this.#verdicts = (stored?.['verdicts'] ?? []) as unknown as readonly AdoptionVerdict[]
  }

  toolsFor(row: ApplicationRow): readonly DeliveryTool[] {
    return this.#verdicts.length === 0 ? [] : approvedTools(this.#verdicts, adoptionSubjectOf(row))
  }

  verdictOn(scope: AdoptionScope): AdoptionVerdict | undefined {
    return this.#verdicts.find(each => sameScope(each.scope, scope))
  }

  /** Writes verdicts down; {@link take} what is returned once the transaction is done. */
  async put(writer: StoreWriter, given: readonly AdoptionVerdict[]): Promise<readonly AdoptionVerdict[]> {
    const verdicts = given.reduce(withVerdict, this.#verdicts)
    await writer.putSetting(SETTING, { verdicts } as unknown as JsonObject)
    return verdicts
  }

  take(verdicts: readonly AdoptionVerdict[]): void {
    this.#verdicts = verdicts
  }
}

export function adoptionSubjectOf({ name, project, source, set }: ApplicationRow): AdoptionSubject {
  return { name, project, ...(set === undefined ? {} : { set: `${source}/${set}` }) }
}

export function adoptionScopeOf(row: ApplicationRow): AdoptionScope {
  return scopeOf(adoptionSubjectOf(row))
}

/** The same for as long as the question is the same: a set's name and kind are all that is in it. */
export function adoptionId({ kind, name }: AdoptionScope): string {
  return `adoption-${createHash('sha256').update(`${kind}/${name}`).digest('hex').slice(0, 16)}`
}
