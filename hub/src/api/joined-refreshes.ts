import { Mutex } from '../store/mutex.ts'
import type { ChangedNames } from './fleet-changes.ts'

/**
 * Refreshes of a view, one after the other. What is asked for while one is under way is read together in the next: a
 * thousand agents that report at once are a few reads of the store, and not a thousand.
 */
export class JoinedRefreshes {
  readonly #order = new Mutex()
  #waiting: { names: ChangedNames; readonly done: Promise<void> } | undefined

  /** Resolves when a refresh that began after this has these names among its own. @throws What the refresh throws */
  ask(names: ChangedNames, refresh: (names: ChangedNames) => Promise<void>): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#waiting.names = bothNames(this.#waiting.names, names)
      return this.#waiting.done
    }
    const done = this.#order.run(async () => {
      const asked = this.#waiting?.names ?? names
      this.#waiting = undefined
      await refresh(asked)
    })
    this.#waiting = { names, done }
    return done
  }
}

/** Everything that either of them names, once. */
function bothNames(a: ChangedNames, b: ChangedNames): ChangedNames {
  const both = (kind: keyof ChangedNames) =>
    a[kind] && b[kind] ? [...new Set([...a[kind], ...b[kind]])] : (a[kind] ?? b[kind])
  const [applications, sets, sources, clusters] = [
    both('applications'),
    both('sets'),
    both('sources'),
    both('clusters'),
  ]
  return {
    ...(applications && { applications }),
    ...(sets && { sets }),
    ...(sources && { sources }),
    ...(clusters && { clusters }),
  }
}
