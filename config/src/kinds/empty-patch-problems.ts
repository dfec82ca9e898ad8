import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { TemplateError } from '@flotilla/generators/failure'
import { readYaml } from '@flotilla/generators/read-yaml'
import type { Problem } from '../problem.ts'

/**
 * A Go template as `templatePatch` whose `spec` is empty when none of its conditions holds: `spec: null` deletes the
 * whole spec, in Argo CD without a word. Under flotilla.dev such a patch is refused when it is rendered.
 */
export function emptyPatchProblems(spec: JsonObject): Problem[] {
  const patch = spec['templatePatch']
  if (spec['goTemplate'] !== true || typeof patch !== 'string' || !patch.includes('{{')) return []
  const least = parsed(withoutConditions(patch))
  if (!isJsonObject(least) || least['spec'] !== null) return []
  return [
    {
      code: 'PATCH_MAY_EMPTY_SPEC',
      severity: 'warning',
      path: ['spec', 'templatePatch'],
      message: 'templatePatch has an empty spec when none of its conditions holds, which empties the Application',
      hint: 'put "spec:" inside the condition too',
    },
  ]
}

const OPENING = /^(?:if|with|range|block|define)\b/

/** The text when no condition holds and no loop has an item: what stands behind the last plain `else` counts. */
function withoutConditions(template: string): string {
  interface Block {
    text: string
    otherwise: boolean
  }
  const blocks: Block[] = [{ text: '', otherwise: true }]
  let at = 0
  for (;;) {
    const start = template.indexOf('{{', at)
    if (start < 0) break
    const comment = /^\{\{-?\s{0,9}\/\*/.test(template.slice(start, start + 14))
    const close = template.indexOf('}}', comment ? template.indexOf('*/', start) : start)
    if (close < start) break
    const words = template
      .slice(start + 2, close)
      .replace(/^-/, '')
      .replace(/-$/, '')
      .trim()
    const block = blocks.at(-1)!
    block.text += template.slice(at, start)
    at = close + 2
    if (comment) continue
    if (OPENING.test(words)) blocks.push({ text: '', otherwise: false })
    else if (/^else\b/.test(words)) {
      block.text = ''
      block.otherwise = words === 'else'
    } else if (words === 'end' && blocks.length > 1) {
      blocks.pop()
      if (block.otherwise) blocks.at(-1)!.text += block.text
    } else if (!/^\$\w+\s*:?=/.test(words)) block.text += 'x'
  }
  return blocks[0]!.text + template.slice(at)
}

function parsed(text: string): Json | undefined {
  try {
    return readYaml(text)
  } catch (error) {
    // With other parameters it may be YAML; when it is not, rendering says so.
    if (error instanceof TemplateError) return undefined
    throw error
  }
}
