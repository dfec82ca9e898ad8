import { GO_TEMPLATE_LIMITS } from './limits.ts'

/** A template's text in an error: whole, unless it is very long. */
export function quotedSource(source: string): string {
  if (source.length <= GO_TEMPLATE_LIMITS.quotedSource) return source
  return `${source.slice(0, GO_TEMPLATE_LIMITS.quotedSource)}…`
}
