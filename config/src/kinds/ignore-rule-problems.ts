import { celDifference } from '@flotilla/core/diff/cel-difference'
import { isJqMistake, parseJq } from '@flotilla/core/jq/parse-jq'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { Path, Problem } from '../problem.ts'
import { listOf } from './kind.ts'

/**
 * Rules of `ignoreDifferences` that no agent could run. What a template has still to fill in is not looked at.
 *
 * @param path Of the spec that has the rules.
 */
export function ignoreRuleProblems(spec: JsonObject, path: Path): readonly Problem[] {
  return listOf(spec['ignoreDifferences']).flatMap((rule, index) => {
    if (!isJsonObject(rule)) return []
    const at: Path = [...path, 'ignoreDifferences', index]
    return [
      ...problemsOf(rule, at, 'jsonPointers', pointerMistake, 'a pointer begins with "/": /spec/replicas'),
      ...problemsOf(rule, at, 'jqPathExpressions', jqMistake, 'sync-engine.md 3 lists what is run'),
      ...problemsOf(rule, at, 'celExpressions', celMistake, 'path, live, desired and object are the names'),
    ]
  })
}

function problemsOf(
  rule: JsonObject,
  path: Path,
  field: string,
  mistakeOf: (source: string) => string | undefined,
  hint: string,
): readonly Problem[] {
  return listOf(rule[field]).flatMap((source, index): readonly Problem[] => {
    if (typeof source !== 'string' || source.includes('{{')) return []
    const mistake = mistakeOf(source)
    if (mistake === undefined) return []
    const message = `${JSON.stringify(source)}: ${mistake}`
    return [{ code: 'IGNORE_RULE_INVALID', severity: 'error', path: [...path, field, index], message, hint }]
  })
}

function pointerMistake(source: string): string | undefined {
  return source.startsWith('/') && !/~(?![01])/.test(source) ? undefined : 'is no JSON pointer'
}

function jqMistake(source: string): string | undefined {
  const read = parseJq(source)
  return isJqMistake(read) ? `${read.message} (character ${read.at + 1})` : undefined
}

function celMistake(source: string): string | undefined {
  const read = celDifference(source)
  return typeof read === 'string' ? read : undefined
}
