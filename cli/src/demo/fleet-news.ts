import type { ApplicationView } from '@flotilla/core/view/application-view'

const KEPT = 8

interface Seen {
  readonly revision: string | null
  readonly sync: string
  readonly health: string
  readonly hold: string
}

/** Tells in sentences what changed between two looks at the fleet. */
export class FleetNews {
  readonly #seen = new Map<string, Seen>()
  readonly #lines: string[] = []

  /** Newest first. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** Takes a look; returns what is new, oldest first. */
  look(applications: readonly ApplicationView[]): readonly string[] {
    const fresh: string[] = []
    for (const application of applications) {
      const seen: Seen = {
        revision: application.revision,
        sync: application.sync.status,
        health: application.health.status,
        hold: application.hold ? `${application.hold.code}: ${application.hold.reason}` : '',
      }
      const before = this.#seen.get(application.name)
      this.#seen.set(application.name, seen)
      const line = sentence(application.name, before, seen)
      if (line) fresh.push(line)
    }
    const present = new Set(applications.map(({ name }) => name))
    for (const name of this.#seen.keys()) {
      if (present.has(name)) continue
      this.#seen.delete(name)
      fresh.push(`${name} is gone`)
    }
    for (const line of fresh) this.#lines.unshift(line)
    this.#lines.length = Math.min(this.#lines.length, KEPT)
    return fresh
  }
}

function sentence(name: string, before: Seen | undefined, now: Seen): string | undefined {
  if (now.hold !== (before?.hold ?? '')) return now.hold === '' ? `${name} goes on` : `${name} is held, ${now.hold}`
  if (!before) return undefined
  const at = now.revision ? ` at ${now.revision.slice(0, 7)}` : ''
  if (before.revision !== now.revision && now.sync !== 'Synced') return `${name} changes${at}`
  const done = now.sync === 'Synced' && now.health === 'Healthy'
  const wasDone = before.sync === 'Synced' && before.health === 'Healthy' && before.revision === now.revision
  if (done && !wasDone) return `${name} is Synced and Healthy${at}`
  return before.health !== now.health || before.sync !== now.sync ? `${name} is ${now.sync}, ${now.health}` : undefined
}
