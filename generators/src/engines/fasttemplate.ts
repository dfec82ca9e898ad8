import { getKey } from '@flotilla/core/json/json'
import { TemplateError } from '../failure.ts'
import { goQuote, goTrimSpace } from '../go-text.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import type { CompiledText, OutputMeter, RenderText, TemplateEngine } from './engine.ts'

const START = '{{'
const END = '}}'

interface Tag {
  readonly name: string
  /** What stays when there is no such parameter: the tag as written. */
  readonly verbatim: string
}

/**
 * Argo CD's engine for `goTemplate: false`: `{{ key }}` becomes the text parameter of exactly that name; any other tag
 * stays as it is. There are no functions, no escapes and no nesting (applicationsets.md 3.1).
 */
export const fasttemplate: TemplateEngine = {
  name: 'fasttemplate',
  shape: 'flat',
  compile: compileFasttemplate,
  preResolve: (template, parameters, meter) => {
    const compiled = compileFasttemplate(template)
    return typeof compiled === 'string' ? compiled : compiled(parameters, meter)
  },
}

/**
 * @throws TemplateError `TEMPLATE_INVALID` for a `{{` without a later `}}`, unless no line holds both: such a text is
 * no template at all.
 */
export function compileFasttemplate(template: string): CompiledText {
  if (!holdsTag(template)) return template
  const parts: (string | Tag)[] = []
  let at = 0
  for (;;) {
    const start = template.indexOf(START, at)
    if (start < 0) break
    if (start > at) parts.push(template.slice(at, start))
    const end = template.indexOf(END, start + START.length)
    if (end < 0) {
      const rest = template.slice(start + START.length)
      throw new TemplateError(
        'TEMPLATE_INVALID',
        `invalid template: Cannot find end tag="}}" in the template=${goQuote(template)} starting from ${goQuote(rest)}`,
      )
    }
    at = end + END.length
    const verbatim = template.slice(start, at)
    parts.push({ name: goTrimSpace(verbatim.slice(START.length, -END.length)), verbatim })
  }
  if (at < template.length) parts.push(template.slice(at))
  return renderParts(parts)
}

function renderParts(parts: readonly (string | Tag)[]): RenderText {
  return (parameters, meter) => {
    let output = ''
    for (const part of parts) {
      output += typeof part === 'string' ? part : tagValue(part, parameters)
      if (output.length > LIMITS.renderedText) throw tooLong(LIMITS.renderedText)
    }
    return spend(output, meter)
  }
}

function tagValue(tag: Tag, parameters: Parameters): string {
  if (tag.name === '') return tag.verbatim
  const value = getKey(parameters, tag.name)
  return typeof value === 'string' ? value : tag.verbatim
}

function spend(output: string, meter: OutputMeter): string {
  meter.remaining -= output.length
  if (meter.remaining < 0) {
    throw new TemplateError('OUTPUT_TOO_LARGE', `the set renders to more than ${LIMITS.renderedSet} characters`)
  }
  return output
}

function tooLong(limit: number): TemplateError {
  return new TemplateError('OUTPUT_TOO_LARGE', `a rendered text has more than ${limit} characters`)
}

/** Whether some line holds `{{` and, after it, `}}`. */
function holdsTag(template: string): boolean {
  let start = template.indexOf(START)
  while (start >= 0) {
    const end = template.indexOf(END, start + START.length)
    if (end < 0) return false
    const lineEnd = template.indexOf('\n', start)
    if (lineEnd < 0 || end < lineEnd) return true
    start = template.indexOf(START, lineEnd)
  }
  return false
}
