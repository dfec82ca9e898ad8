import type { FleetSummary } from './fleet-summary.ts'

/** The demo where no terminal is: progress until all is there for the first time, then what changes. */
export class ProgressLines {
  readonly #say: (text: string) => void
  readonly #hints: readonly string[]
  #done = -1
  #welcomed = false
  #complete = false

  constructor(say: (text: string) => void, hints: readonly string[]) {
    this.#say = say
    this.#hints = hints
  }

  tell(summary: FleetSummary, news: readonly string[]): void {
    if (!this.#welcomed) {
      const done = Math.min(summary.synced, summary.healthy)
      if (done !== this.#done) this.#say(`${done} of ${summary.applications} Applications are Synced and Healthy`)
      this.#done = done
      // An edit of an earlier run may hold an Application: what is held will not come by waiting.
      const settled =
        summary.complete || (summary.held.length > 0 && done + summary.held.length >= summary.applications)
      if (!settled) return
      for (const { name, code, reason } of summary.held) this.#say(`${name} is held, ${code}: ${reason}`)
      for (const line of this.#hints) this.#say(line)
      this.#welcomed = true
    } else {
      for (const line of news) this.#say(line)
      if (summary.complete && !this.#complete)
        this.#say(`all ${summary.applications} Applications are Synced and Healthy`)
    }
    this.#complete = summary.complete
  }
}
