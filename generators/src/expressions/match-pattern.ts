import { RE2JS } from 're2js'
import { EXPRESSION_LIMITS } from './limits.ts'

const compiled = new Map<string, RE2JS>()
const KEPT = 200

/**
 * Whether the pattern occurs in the text. RE2: the time grows with the text and never more than that, whatever the
 * pattern is.
 *
 * @throws Error when the pattern is none, or when looking would take too long.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  const expression = compilePattern(pattern)
  if (text.length * expression.programSize() > MOST_WORK) {
    throw new Error(`matches: a text of ${text.length} characters is too long for this pattern`)
  }
  return expression.matcher(text).find()
}

/** Characters times instructions; about a tenth of a second. */
const MOST_WORK = 4_000_000

function compilePattern(pattern: string): RE2JS {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  if (pattern.length > EXPRESSION_LIMITS.pattern) {
    throw new Error(`matches: a pattern may have ${EXPRESSION_LIMITS.pattern} characters`)
  }
  const expression = RE2JS.compile(pattern)
  if (compiled.size >= KEPT) compiled.clear()
  compiled.set(pattern, expression)
  return expression
}
