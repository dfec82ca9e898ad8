import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import { directoryMatcher, malformedRules } from '../git-paths.ts'
import { compareUtf8 } from '../go-text.ts'
import type { InputAnswer, InputRequest, Parameters, PathRule } from '../inputs.ts'
import { readValues, type ValueTemplates, withValues } from '../values.ts'
import {
  failedWith,
  type Generated,
  type Generator,
  type GeneratorContext,
  invalidGenerator,
  parameterSets,
} from './generator.ts'
import { directoryParameters, fileParameters } from './git-parameters.ts'

/** `git`: a parameter set for each directory, or for the objects in each file, that the rules take (applicationsets.md 9.3). */
export const git: Generator = {
  key: 'git',
  fields: [
    'repoURL',
    'revision',
    'directories',
    'files',
    'pathParamPrefix',
    'requeueAfterSeconds',
    'template',
    'values',
  ],
  defaultRequeueSeconds: 'configured',
  generate: (body, context) => {
    const generated = generate(body, context)
    if (generated.kind !== 'failed') return generated
    return failedWith(...generated.failures.map(failure => ({ ...failure, message: PREFIX + failure.message })))
  },
}

const PREFIX = 'error generating params from git: '

interface GitBody {
  readonly repoURL: string
  readonly revision: string
  readonly prefix: string
  readonly values: ValueTemplates
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const failures: Failure[] = []
  const directories = readRules(body['directories'], 'directories', failures)
  const files = readRules(body['files'], 'files', failures)
  const git: GitBody = {
    repoURL: readText(body, 'repoURL', failures),
    revision: readText(body, 'revision', failures) || 'HEAD',
    prefix: readText(body, 'pathParamPrefix', failures),
    values: readOwnValues(body, failures),
  }
  if (directories.length === 0 && files.length === 0) failures.push(invalidGenerator('ApplicationSet is empty', []))
  const unknown = unknownProject(context)
  if (unknown !== undefined) failures.push(unknown)
  if (failures.length > 0) return failedWith(...failures)
  return directories.length > 0 ? fromDirectories(directories, git, context) : fromFiles(files, git, context)
}

function fromDirectories(rules: readonly PathRule[], git: GitBody, context: GeneratorContext): Generated {
  const answer = context.ask({ kind: 'git-directories', ...requestOf(rules, git) })
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind !== 'git-directories') return refused(answer, 'error getting directories from repo: ')
  const matcher = directoryMatcher(rules)
  return collect(answer.directories.filter(matcher.matches).sort(compareWalk), directory =>
    [directoryParameters(directory, git.prefix, context)].map(set =>
      withValues(set, git.values, context.engine, context.meter),
    ),
  )
}

function fromFiles(rules: readonly PathRule[], git: GitBody, context: GeneratorContext): Generated {
  const dialect = context.set.fileGlobs
  const malformed = malformedRules(rules, dialect)[0]
  if (malformed !== undefined) {
    const hint = `the pattern is read as ${dialect === 'pathspec' ? 'a git pathspec' : 'a doublestar glob'}`
    return failedWith(
      invalidGenerator(`syntax error in pattern "${rules[malformed]!.path}"`, ['files', malformed, 'path'], hint),
    )
  }
  const answer = context.ask({ kind: 'git-files', ...requestOf(rules, git), dialect })
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind !== 'git-files') return refused(answer, '')
  const files = [...answer.files].sort((a, b) => compareUtf8(a.path, b.path))
  return collect(files, ({ path, text }) => {
    try {
      return fileParameters(path, text, git.prefix, context).map(set =>
        withValues(set, git.values, context.engine, context.meter),
      )
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      throw error.wrap(
        `unable to process file '${path}' from repository '${git.repoURL}': ${error.code === 'FILE_INVALID' ? 'unable to parse file: ' : ''}`,
      )
    }
  })
}

/** All sets, or all that failed: every broken file is named, not the first alone. */
function collect<Item>(items: readonly Item[], setsOf: (item: Item) => readonly Parameters[]): Generated {
  const sets: Parameters[] = []
  const failures: Failure[] = []
  for (const item of items) {
    try {
      for (const set of setsOf(item)) sets.push(set)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      failures.push(failureOf(error, []))
    }
  }
  return failures.length > 0 ? failedWith(...failures) : parameterSets(sets)
}

/** Rules in one order without repeats, so that sets which mean the same share one answer. */
function requestOf(rules: readonly PathRule[], { repoURL, revision }: GitBody) {
  const sorted = rules
    .toSorted((a, b) => Number(a.exclude) - Number(b.exclude) || compareUtf8(a.path, b.path))
    .filter((rule, index, all) => rule.path !== all[index - 1]?.path || rule.exclude !== all[index - 1]?.exclude)
  return { repoURL, revision, rules: sorted } satisfies Omit<InputRequest, 'kind' | 'dialect'>
}

function refused(answer: InputAnswer, prefix: string): Generated {
  if (answer.kind === 'failed') return failedWith({ code: answer.code, message: prefix + answer.message, path: [] })
  return failedWith({ code: 'GENERATOR_INPUT_INVALID', message: `${prefix}the answer is ${answer.kind}`, path: [] })
}

/** Depth first and lexical at each level, as a walk of the tree meets them. */
function compareWalk(a: string, b: string): number {
  const left = a.split('/')
  const right = b.split('/')
  for (let at = 0; at < left.length && at < right.length; at++) {
    const order = compareUtf8(left[at]!, right[at]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** The project must exist, unless it is only known after rendering. */
function unknownProject({ set, inputs }: GeneratorContext): Failure | undefined {
  if (set.project.includes('{{') || inputs.projects.includes(set.project)) return undefined
  if (set.project === '' && inputs.projects.includes('default')) return undefined
  const message = `error getting project ${set.project}: appprojects.argoproj.io "${set.project}" not found`
  return { code: 'PROJECT_MISSING', message, path: [], hint: 'declare the project, or name one that exists' }
}

function readRules(rules: Json | undefined, field: string, failures: Failure[]): readonly PathRule[] {
  if (rules === undefined || rules === null) return []
  if (!Array.isArray(rules)) {
    failures.push(invalidGenerator(`${field} is a list of { path, exclude }`, [field]))
    return []
  }
  return rules.flatMap((rule, index) => {
    const exclude = isJsonObject(rule) ? (rule['exclude'] ?? false) : false
    if (isJsonObject(rule) && typeof rule['path'] === 'string' && typeof exclude === 'boolean') {
      return [{ path: rule['path'], exclude }]
    }
    failures.push(invalidGenerator(`${field} holds objects { path: text, exclude: boolean }`, [field, index]))
    return []
  })
}

function readText(body: JsonObject, field: string, failures: Failure[]): string {
  const value = body[field] ?? ''
  if (typeof value === 'string') return value
  failures.push(invalidGenerator(`${field} is a text`, [field]))
  return ''
}

function readOwnValues(body: JsonObject, failures: Failure[]): ValueTemplates {
  try {
    return readValues(body['values'])
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    failures.push(failureOf(error, []))
    return {}
  }
}
