import type { JsonObject } from '@flotilla/core/json/json'
import { DEFAULT_BODY, DEFAULT_TITLE } from '@flotilla/core/notify/message-context'
import type { NotificationRouteSpec, TargetKind } from '@flotilla/core/notify/route'
import { renderText } from '@flotilla/generators/engines/engine'
import { handlebars } from '@flotilla/generators/engines/handlebars/handlebars'
import { TemplateError } from '@flotilla/generators/failure'
import { escapeDeep } from './escape.ts'

export const MOST_TITLE = 300
export const MOST_BODY = 8_000
/** While it is made; what is beyond the message's own bound is cut. */
const MOST_MADE = 64 * 1024

export interface WrittenMessage {
  readonly title: string
  readonly body: string
  /** Why the route's own template could not be used: then ours was. */
  readonly mistake?: string
}

/** Title and body for one kind of target: every value is escaped for it before a template sees it. */
export function writeMessage(
  template: NotificationRouteSpec['template'],
  context: JsonObject,
  kind: TargetKind,
): WrittenMessage {
  const values = escapeDeep(context, kind) as JsonObject
  const of = (title: string, body: string): WrittenMessage => ({
    title: cut(rendered(title, values).replaceAll(/\s+/g, ' ').trim(), MOST_TITLE),
    body: cut(rendered(body, values).trim(), MOST_BODY),
  })
  try {
    return of(template.title ?? DEFAULT_TITLE, template.body ?? DEFAULT_BODY)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return { ...of(DEFAULT_TITLE, DEFAULT_BODY), mistake: error.message }
  }
}

function rendered(template: string, values: JsonObject): string {
  return renderText(handlebars, template, values, { remaining: MOST_MADE })
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
