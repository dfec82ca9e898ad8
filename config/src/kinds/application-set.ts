import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { Path, Problem } from '../problem.ts'
import { pathText } from '../problem.ts'
import {
  APPLICATION_SET_ADDITIONS,
  applicationSetDocument,
  argoApplicationSetDocument,
} from '../schema/application-set.ts'
import { APPLICATION_ADDITIONS } from '../schema/application-spec.ts'
import { GENERATOR_ADDITIONS, generatorKeysOf } from '../schema/generators.ts'
import { argoAnnotationProblems } from './argo-annotations.ts'
import { budgetProblems } from './budget-problems.ts'
import { emptyPatchProblems } from './empty-patch-problems.ts'
import { ignoreRuleProblems } from './ignore-rule-problems.ts'
import { keepProblems } from './keep-problems.ts'
import { type KindReader, listOf, member, nameOf } from './kind.ts'
import { repeatableProblems } from './repeatable-problems.ts'
import { documentsProblems } from './set-documents.ts'
import { strategyProblems } from './strategy-problems.ts'

function readApplicationSet(document: JsonObject, group: ApiGroup) {
  const spec = member(document, 'spec')
  const problems = [
    ...(group === 'flotilla.dev'
      ? [...documentsProblems(spec), ...projectProblems(spec), ...engineProblems(spec)]
      : []),
    ...entriesProblems(spec['generators'], ['spec', 'generators'], { group, combinators: 0 }),
  ]
  problems.push(...budgetProblems(document), ...keepProblems(spec), ...repeatableProblems(spec))
  problems.push(...strategyProblems(spec), ...annotationsProblems(document, spec))
  if (group === 'argoproj.io') problems.push(...emptyPatchProblems(spec))
  problems.push(...ignoreRuleProblems(member(member(spec, 'template'), 'spec'), ['spec', 'template', 'spec']))
  return { name: nameOf(document), spec, problems }
}

/** A set of ours carries its project, or its template names one. */
function projectProblems(spec: JsonObject): Problem[] {
  const path: Path = ['spec', 'template', 'spec', 'project']
  const { project } = spec
  const own = member(member(spec, 'template'), 'spec')['project']
  if (project === undefined) {
    // Other documents are in no project.
    if (own !== undefined || spec['template'] === undefined) return []
    const message = `${pathText(path)} is missing`
    return [{ code: 'MISSING_FIELD', severity: 'error', path, at: 'key', message, hint: 'add it, or spec.project' }]
  }
  const at: Path = ['spec', 'project']
  if (typeof project !== 'string' || project === '' || project.includes('{{')) {
    const message = 'spec.project must be the name of one project'
    const hint = 'a project for each element goes into the template'
    return [{ code: 'INVALID_VALUE', severity: 'error', path: at, message, hint }]
  }
  if (typeof own !== 'string' || own === '' || own === project || own.includes('{{')) return []
  const message = `the set carries project "${project}", and its template names "${own}"`
  return [{ code: 'INVALID_VALUE', severity: 'error', path, message, hint: 'leave it out of the template' }]
}

function engineProblems(spec: JsonObject): Problem[] {
  const engine = member(spec, 'template')['engine']
  if (spec['goTemplate'] !== true || engine === undefined || engine === 'goTemplate') return []
  const message = `goTemplate is true, and the template says engine: ${String(engine)}`
  const hint = 'leave one of them out'
  return [{ code: 'INVALID_VALUE', severity: 'error', path: ['spec', 'template', 'engine'], message, hint }]
}

/** Of the set itself, and of the Applications that it and its generators describe. */
function annotationsProblems(document: JsonObject, spec: JsonObject): Problem[] {
  const problems = [
    ...argoAnnotationProblems(
      member(document, 'metadata')['annotations'],
      ['metadata', 'annotations'],
      'ApplicationSet',
    ),
    ...templateAnnotations(spec['template'], ['spec', 'template']),
  ]
  for (const [index, entry] of listOf(spec['generators']).entries()) {
    if (!isJsonObject(entry)) continue
    for (const [key, body] of Object.entries(entry)) {
      if (!isJsonObject(body as Json)) continue
      const path: Path = ['spec', 'generators', index, key, 'template']
      problems.push(...templateAnnotations((body as JsonObject)['template'], path))
    }
  }
  return problems
}

function templateAnnotations(template: Json | undefined, path: Path): readonly Problem[] {
  if (!isJsonObject(template)) return []
  const { annotations } = member(template, 'metadata')
  return argoAnnotationProblems(annotations, [...path, 'metadata', 'annotations'], 'Application')
}

/** What stands around entries of generators. */
interface Around {
  readonly group: ApiGroup
  /** How many matrix, merge and union generators. */
  readonly combinators: number
}

function entriesProblems(entries: Json | undefined, path: Path, around: Around): Problem[] {
  return listOf(entries).flatMap((entry, index) =>
    isJsonObject(entry) ? entryProblems(entry, [...path, index], around) : [],
  )
}

function entryProblems(entry: JsonObject, path: Path, around: Around): Problem[] {
  const { group, combinators } = around
  const keys = generatorKeysOf(group)
  if (!keys.some(key => entry[key] !== undefined)) {
    return [
      {
        code: 'GENERATOR_MISSING',
        severity: 'error',
        path,
        message: `${pathText(path)} has no generator`,
        hint: `add one of ${keys.join(', ')}`,
      },
    ]
  }
  const problems: Problem[] = []
  if (entry['git'] !== undefined) problems.push(...gitProblems(member(entry, 'git'), [...path, 'git'], group))
  for (const key of ['matrix', 'merge', 'union'] as const) {
    if (entry[key] === undefined || !keys.includes(key)) continue
    const children = listOf(member(entry, key)['generators'])
    problems.push(...combinatorProblems(key, children.length, [...path, key], group))
    if (combinators === 2 && group === 'argoproj.io') problems.push(nestedTooDeep(key, [...path, key]))
    const inside = { group, combinators: combinators + 1 }
    problems.push(...entriesProblems(children, [...path, key, 'generators'], inside))
  }
  return problems
}

function gitProblems(git: JsonObject, path: Path, group: ApiGroup): Problem[] {
  return [...(group === 'flotilla.dev' ? repositoryProblems(git, path) : []), ...ruleProblems(git, path)]
}

/** Ours reads one repository or several. */
function repositoryProblems(git: JsonObject, path: Path): Problem[] {
  const several = git['repositories'] !== undefined
  if (!several && git['repoURL'] === undefined) {
    const message = `${pathText([...path, 'repoURL'])} is missing`
    const hint = 'add repoURL, or repositories for several'
    return [{ code: 'MISSING_FIELD', severity: 'error', path: [...path, 'repoURL'], at: 'key', message, hint }]
  }
  if (!several) return []
  if (Array.isArray(git['repositories']) && git['repositories'].length === 0) {
    const message = `${pathText([...path, 'repositories'])} is empty`
    return [{ code: 'INVALID_VALUE', severity: 'error', path: [...path, 'repositories'], at: 'key', message }]
  }
  const beside = ['repoURL', 'revision'].find(field => git[field] !== undefined)
  if (beside === undefined) return []
  const message = `${pathText(path)} has both ${beside} and repositories`
  const hint = `write ${beside} beside each of the repositories`
  return [{ code: 'INVALID_VALUE', severity: 'error', path: [...path, beside], at: 'key', message, hint }]
}

function ruleProblems(git: JsonObject, path: Path): Problem[] {
  if (listOf(git['directories']).length > 0 || listOf(git['files']).length > 0) return []
  const message = `${pathText(path)} needs directories or files`
  return [{ code: 'MISSING_FIELD', severity: 'error', path, at: 'key', message }]
}

function combinatorProblems(
  key: 'matrix' | 'merge' | 'union',
  children: number,
  path: Path,
  group: ApiGroup,
): Problem[] {
  const exactlyTwo = key === 'matrix' && group === 'argoproj.io'
  const least = key === 'union' ? 1 : 2
  if (exactlyTwo ? children === 2 : children >= least) return []
  const wanted = exactlyTwo ? 'exactly two' : `at least ${least === 1 ? 'one' : 'two'}`
  const message = `${pathText(path)} combines ${wanted} ${least === 1 ? 'generator' : 'generators'}, not ${children}`
  const hint = children > 2 ? 'under apiVersion: flotilla.dev/v1alpha1 a matrix takes any number' : undefined
  return [
    {
      code: 'INVALID_VALUE',
      severity: 'error',
      path: [...path, 'generators'],
      at: 'key',
      message,
      ...(hint === undefined ? {} : { hint }),
    },
  ]
}

function nestedTooDeep(key: string, path: Path): Problem {
  const message = `${key} stands inside two other combinations; Argo CD would drop it`
  return { code: 'GENERATORS_NESTED', severity: 'warning', path, at: 'key', message }
}

/** The set's template, and that of a generator. */
function isInTemplate(path: Path): boolean {
  const at = path.indexOf('template')
  return path[0] === 'spec' && at > 0 && (path[at + 1] === 'spec' || path[at + 1] === 'metadata')
}

function reader(group: ApiGroup): KindReader {
  return {
    apiVersion: `${group}/v1alpha1`,
    writtenKind: 'ApplicationSet',
    kind: 'ApplicationSet',
    group,
    schema: group === 'argoproj.io' ? argoApplicationSetDocument : applicationSetDocument,
    additions:
      group === 'argoproj.io'
        ? [...APPLICATION_ADDITIONS, ...APPLICATION_SET_ADDITIONS, ...GENERATOR_ADDITIONS]
        : undefined,
    mayBeExpression: group === 'flotilla.dev' ? isInTemplate : undefined,
    read: document => readApplicationSet(document, group),
  }
}

export const applicationSetReaders: readonly KindReader[] = [reader('flotilla.dev'), reader('argoproj.io')]
