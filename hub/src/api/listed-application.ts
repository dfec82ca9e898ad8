import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { searchText } from './application-query.ts'
import { entityTag } from './entity-tag.ts'
import { jsonText } from './json-text.ts'

/** Its JSON as it is sent, and the tag of exactly that. */
export interface WrittenApplication {
  readonly text: string
  readonly tag: string
}

/** One Application in the view's lists, with what answers are made of: written once, sent to everybody who asks. */
export class ListedApplication {
  readonly view: ApplicationView
  readonly #lastSeen: (view: ApplicationView) => number | undefined
  #search: string | undefined
  #written: (WrittenApplication & { readonly lastSeen: number | undefined }) | undefined

  /** @param lastSeen When its agent was last heard, to the minute: it changes without the Application being another. */
  constructor(view: ApplicationView, lastSeen: (view: ApplicationView) => number | undefined) {
    this.view = view
    this.#lastSeen = lastSeen
  }

  /** What `q` looks into, made when somebody first searches. */
  get search(): string {
    this.#search ??= searchText(this.view)
    return this.#search
  }

  /** As people see it now. */
  present(): ApplicationView {
    return presented(this.view, this.#lastSeen(this.view))
  }

  written(): WrittenApplication {
    const lastSeen = this.#lastSeen(this.view)
    if (this.#written === undefined || this.#written.lastSeen !== lastSeen) {
      const text = jsonText(presented(this.view, lastSeen))
      this.#written = { text, tag: entityTag(text), lastSeen }
    }
    return this.#written
  }
}

function presented(view: ApplicationView, lastSeen: number | undefined): ApplicationView {
  return lastSeen === undefined ? view : { ...view, agent: { ...view.agent, lastSeen: isoTime(lastSeen) } }
}
