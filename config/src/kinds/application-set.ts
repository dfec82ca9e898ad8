import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { Path, Problem } from '../problem.ts'
import { pathText } from '../problem.ts'
import { applicationSetDocument, argoApplicationSetDocument } from '../schema/application-set.ts'
import { APPLICATION_ADDITIONS } from '../schema/application-spec.ts'
import { GENERATOR_KEYS } from '../schema/generators.ts'
import { type KindReader, listOf, member, nameOf } from './kind.ts'

function readApplicationSet(document: JsonObject) {
  const spec = member(document, 'spec')
  const problems = entriesProblems(spec['generators'], ['spec', 'generators'], 0)
  return { name: nameOf(document), spec, problems }
}

/** @param combinators How many matrix and merge generators stand around these entries. */
function entriesProblems(entries: Json | undefined, path: Path, combinators: number): Problem[] {
  return listOf(entries).flatMap((entry, index) =>
    isJsonObject(entry) ? entryProblems(entry, [...path, index], combinators) : [],
  )
}

function entryProblems(entry: JsonObject, path: Path, combinators: number): Problem[] {
  if (!GENERATOR_KEYS.some(key => entry[key] !== undefined)) {
    return [
      {
        code: 'GENERATOR_MISSING',
        severity: 'error',
        path,
        message: `${pathText(path)} has no generator`,
        hint: `add one of ${GENERATOR_KEYS.join(', ')}`,
      },
    ]
  }
  const problems: Problem[] = []
  if (entry['git'] !== undefined) problems.push(...gitProblems(member(entry, 'git'), [...path, 'git']))
  for (const key of ['matrix', 'merge'] as const) {
    if (entry[key] === undefined) continue
    const children = listOf(member(entry, key)['generators'])
    problems.push(...combinatorProblems(key, children.length, [...path, key]))
    if (combinators === 2) problems.push(nestedTooDeep(key, [...path, key]))
    problems.push(...entriesProblems(children, [...path, key, 'generators'], combinators + 1))
  }
  return problems
}

function gitProblems(git: JsonObject, path: Path): Problem[] {
  if (listOf(git['directories']).length > 0 || listOf(git['files']).length > 0) return []
  const message = `${pathText(path)} needs directories or files`
  return [{ code: 'MISSING_FIELD', severity: 'error', path, at: 'key', message }]
}

function combinatorProblems(key: 'matrix' | 'merge', children: number, path: Path): Problem[] {
  const right = key === 'matrix' ? children === 2 : children >= 2
  if (right) return []
  const wanted = key === 'matrix' ? 'exactly two' : 'at least two'
  const message = `${pathText(path)} combines ${wanted} generators, not ${children}`
  return [{ code: 'INVALID_VALUE', severity: 'error', path: [...path, 'generators'], at: 'key', message }]
}

function nestedTooDeep(key: string, path: Path): Problem {
  const message = `${key} stands inside two other combinations; Argo CD would drop it`
  return { code: 'GENERATORS_NESTED', severity: 'warning', path, at: 'key', message }
}

function reader(group: ApiGroup): KindReader {
  return {
    apiVersion: `${group}/v1alpha1`,
    writtenKind: 'ApplicationSet',
    kind: 'ApplicationSet',
    group,
    schema: group === 'argoproj.io' ? argoApplicationSetDocument : applicationSetDocument,
    additions: group === 'argoproj.io' ? APPLICATION_ADDITIONS : undefined,
    read: readApplicationSet,
  }
}

export const applicationSetReaders: readonly KindReader[] = [reader('flotilla.dev'), reader('argoproj.io')]
