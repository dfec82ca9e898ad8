import type { ApplicationView } from '@flotilla/core/view/application-view'
import { EMPTY_TALLY, type Tally } from '@flotilla/core/view/fleet-parts'

type Counted = {
  total: number
  held: number
  sync: { -readonly [Status in keyof Tally['sync']]: number }
  health: { -readonly [Status in keyof Tally['health']]: number }
}

export const COUNTED_BY = ['project', 'cluster', 'environment', 'set'] as const
export type CountedBy = (typeof COUNTED_BY)[number]

/** Counts of Applications, kept as they come and go: the fleet's figures cost nothing to read. */
export class FleetCounts {
  private readonly all: Counted = emptyCount()
  private readonly groups: { readonly [By in CountedBy]: Map<string, Counted> } = {
    project: new Map(),
    cluster: new Map(),
    environment: new Map(),
    set: new Map(),
  }

  add(view: ApplicationView): void {
    this.count(view, 1)
  }

  remove(view: ApplicationView): void {
    this.count(view, -1)
  }

  total(): Tally {
    return this.all
  }

  of(by: CountedBy, name: string): Tally {
    return this.groups[by].get(name) ?? EMPTY_TALLY
  }

  by(by: CountedBy): { readonly [name: string]: Tally } {
    return Object.fromEntries([...this.groups[by]].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  private count(view: ApplicationView, step: 1 | -1): void {
    change(this.all, view, step)
    for (const by of COUNTED_BY) {
      const name = by === 'set' ? setKeyOf(view) : view[by]
      if (name === null || name === '') continue
      const group = this.groups[by].get(name) ?? emptyCount()
      this.groups[by].set(name, group)
      change(group, view, step)
      if (group.total === 0) this.groups[by].delete(name)
    }
  }
}

/** `source/name`: two config sources may each have a set of one name. */
export function setKeyOf(view: ApplicationView): string | null {
  return view.set === null ? null : `${view.provenance['source']}/${view.set}`
}

function emptyCount(): Counted {
  return { total: 0, held: 0, sync: { ...EMPTY_TALLY.sync }, health: { ...EMPTY_TALLY.health } }
}

function change(counted: Counted, view: ApplicationView, step: 1 | -1): void {
  counted.total += step
  if (view.hold !== null) counted.held += step
  counted.sync[view.sync.status] += step
  counted.health[view.health.status] += step
}
