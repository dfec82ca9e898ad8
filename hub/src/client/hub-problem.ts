import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'

/** The hub said no, in its own words (RFC 9457). */
export class HubProblem extends Error {
  readonly status: number
  readonly code: string
  /** What is wrong with the request, each with where. */
  readonly errors: readonly { readonly pointer: string; readonly message: string; readonly hint?: string }[]
  /** By their names in lower case. */
  readonly headers: HubResponse['headers']

  constructor(status: number, problem: JsonObject, headers: HubResponse['headers']) {
    super(textAt(problem, 'detail') || textAt(problem, 'title'))
    this.name = 'HubProblem'
    this.status = status
    this.code = textAt(problem, 'code')
    this.headers = headers
    const errors = problem['errors']
    this.errors = (Array.isArray(errors) ? errors.filter(isJsonObject) : []).map(each => {
      const hint = textAt(each, 'hint')
      return { pointer: textAt(each, 'pointer'), message: textAt(each, 'message'), ...(hint !== '' && { hint }) }
    })
  }
}

/** What answered is no hub, or a proxy before one. */
export class NotAHub extends Error {
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.name = 'NotAHub'
    this.status = status
  }
}
