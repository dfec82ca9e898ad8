import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { nonRepeatableFunctions } from '@flotilla/generators/engines/go-template/compile-template'
import type { Path, Problem } from '../problem.ts'

/** Warnings of one set; a template that is all chance says it often enough with these. */
const MAX_WARNINGS = 10

/** Go templates that give another text at every look (`now`, `uuidv4`, `randAlpha` …): the set never comes to rest. */
export function repeatableProblems(spec: JsonObject): Problem[] {
  const engine = isJsonObject(spec['template']) ? spec['template']['engine'] : undefined
  if (spec['goTemplate'] !== true && engine !== 'goTemplate') return []
  const problems: Problem[] = []
  for (const field of ['generators', 'template', 'templatePatch', 'documents']) {
    collect(spec[field], ['spec', field], problems)
  }
  return problems
}

function collect(value: Json | undefined, path: Path, problems: Problem[]): void {
  if (problems.length >= MAX_WARNINGS) return
  if (typeof value === 'string') {
    const names = nonRepeatableFunctions(value)
    if (names.length > 0) problems.push(notRepeatable(names, path))
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collect(item as Json, [...path, index], problems)
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) collect(value[key], [...path, key], problems)
  }
}

function notRepeatable(names: readonly string[], path: Path): Problem {
  return {
    code: 'TEMPLATE_NOT_REPEATABLE',
    severity: 'warning',
    path,
    message: `${names.join(', ')} ${names.length === 1 ? 'gives' : 'give'} another result at every look`,
    hint: 'the Applications of the set change whenever it is expanded; take the value from a parameter',
  }
}
