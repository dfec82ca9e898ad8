import type { ApplicationView } from '@flotilla/core/view/application-view'
import type { Tally } from '@flotilla/core/view/fleet-parts'
import { type CountedBy, FleetCounts, setKeyOf } from './fleet-counts.ts'
import { EVERYTHING_VISIBLE, type VisibleSet } from './visible-set.ts'

/** So many callers' counts are kept while nothing changes. */
const MOST_KEPT = 200

/**
 * Counts of what one caller sees: totals, facets and the figures of clusters and sets are made of the visible
 * Applications alone, so that nothing of the others shows through. They are made when asked for, and kept for all who
 * see the same while no Application changes.
 */
export class SeenCounts {
  readonly #everything: FleetCounts
  readonly #rows: () => readonly { readonly view: ApplicationView }[]
  readonly #stamp: () => number
  readonly #kept = new Map<string, FleetCounts>()
  #keptAt = -1
  #projects: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  #projectsAt = -1

  /** @param stamp Another one whenever any row is another. */
  constructor(everything: FleetCounts, rows: () => readonly { readonly view: ApplicationView }[], stamp: () => number) {
    this.#everything = everything
    this.#rows = rows
    this.#stamp = stamp
  }

  counts(visible: VisibleSet): FleetCounts {
    if (visible.key === EVERYTHING_VISIBLE.key) return this.#everything
    this.#forgetOld()
    const known = this.#kept.get(visible.key)
    if (known !== undefined) return known
    const counts = new FleetCounts()
    for (const { view } of this.#rows()) if (visible.sees(view)) counts.add(view)
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    this.#kept.set(visible.key, counts)
    return counts
  }

  tally(by: CountedBy, name: string, visible: VisibleSet): Tally {
    return this.counts(visible).of(by, name)
  }

  /** @param key `source/name` */
  projectsOfSet(key: string): readonly string[] {
    if (this.#projectsAt !== this.#stamp()) {
      this.#projectsAt = this.#stamp()
      const projects = new Map<string, Set<string>>()
      for (const { view } of this.#rows()) {
        const set = setKeyOf(view)
        if (set === null) continue
        const known = projects.get(set)
        if (known === undefined) projects.set(set, new Set([view.project]))
        else known.add(view.project)
      }
      this.#projects = projects
    }
    return [...(this.#projects.get(key) ?? [])]
  }

  #forgetOld(): void {
    if (this.#keptAt === this.#stamp()) return
    this.#kept.clear()
    this.#keptAt = this.#stamp()
  }
}
