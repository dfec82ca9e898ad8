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
import { directoryParameters, fileParameters, withRepository } from './git-parameters.ts'

/** `git`: a parameter set for each directory, or for the objects in each file, that the rules take (applicationsets.md 9.3). */
export const git: Generator = {
  key: 'git',
  fields: [
    'repoURL',
    'revision',
    'repositories',
    'directories',
    'files',
    'pathParamPrefix',
    'requeueAfterSeconds',
    'template',
    'values',
  ],
  additions: ['repositories'],
  defaultRequeueSeconds: 'configured',
  generate: (body, context) => {
    const generated = generate(body, context)
    if (generated.kind !== 'failed') return generated
    return failedWith(...generated.failures.map(failure => ({ ...failure, message: PREFIX + failure.message })))
  },
}

const PREFIX = 'error generating params from git: '

interface GitBody {
  readonly repositories: readonly Repository[]
  readonly prefix: string
  readonly values: ValueTemplates
}

/** Which commit of which repository is read, and where that is written. */
interface Repository {
  readonly repoURL: string
  readonly revision: string
  readonly path: Failure['path']
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const failures: Failure[] = []
  const directories = readRules(body['directories'], 'directories', failures)
  const files = readRules(body['files'], 'files', failures)
  const git: GitBody = {
    repositories: readRepositories(body, failures),
    prefix: readText(body, 'pathParamPrefix', failures),
    values: readOwnValues(body, failures),
  }
  if (directories.length === 0 && files.length === 0) failures.push(invalidGenerator('ApplicationSet is empty', []))
  const unknown = unknownProject(context)
  if (unknown !== undefined) failures.push(unknown)
  if (failures.length > 0) return failedWith(...failures)
  return eachOf(git.repositories, repository =>
    directories.length > 0
      ? fromDirectories(directories, repository, git, context)
      : fromFiles(files, repository, git, context),
  )
}

/** All repositories are asked before one is waited for; while one of them gives nothing, none does. */
function eachOf(repositories: readonly Repository[], read: (repository: Repository) => Generated): Generated {
  const sets: Parameters[] = []
  const failures: Failure[] = []
  let waiting = false
  for (const repository of repositories) {
    const generated = read(repository)
    if (generated.kind === 'waiting') waiting = true
    else if (generated.kind === 'failed') failures.push(...generated.failures)
    else for (const set of generated.sets) sets.push(set)
  }
  if (failures.length > 0) return failedWith(...failures)
  return waiting ? { kind: 'waiting' } : parameterSets(sets)
}

function fromDirectories(
  rules: readonly PathRule[],
  repository: Repository,
  git: GitBody,
  context: GeneratorContext,
): Generated {
  const answer = context.ask({ kind: 'git-directories', ...requestOf(rules, repository, context) })
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind !== 'git-directories') return refused(answer, repository, 'error getting directories from repo: ')
  const matcher = directoryMatcher(rules)
  const remembered = remember(repository, answer.commit, git, context)
  return collect(answer.directories.filter(matcher.matches).sort(compareWalk), directory =>
    remembered(directory, '', () => [
      finished(directoryParameters(directory, git.prefix, context), repository, answer.commit, git, context),
    ]),
  )
}

function fromFiles(
  rules: readonly PathRule[],
  repository: Repository,
  git: GitBody,
  context: GeneratorContext,
): Generated {
  const dialect = context.set.fileGlobs
  const malformed = malformedRules(rules, dialect)[0]
  if (malformed !== undefined) {
    const hint = `the pattern is read as ${dialect === 'pathspec' ? 'a git pathspec' : 'a doublestar glob'}`
    return failedWith(
      invalidGenerator(`syntax error in pattern "${rules[malformed]!.path}"`, ['files', malformed, 'path'], hint),
    )
  }
  const answer = context.ask({ kind: 'git-files', ...requestOf(rules, repository, context), dialect })
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind !== 'git-files') return refused(answer, repository, '')
  const files = [...answer.files].sort((a, b) => compareUtf8(a.path, b.path))
  const remembered = remember(repository, answer.commit, git, context)
  return collect(files, ({ path, text }) => {
    try {
      return remembered(path, text, () =>
        fileParameters(path, text, git.prefix, context).map(set =>
          finished(set, repository, answer.commit, git, context),
        ),
      )
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      throw error.wrap(
        `unable to process file '${path}' from repository '${repository.repoURL}': ${error.code === 'FILE_INVALID' ? 'unable to parse file: ' : ''}`,
      )
    }
  })
}

/** The set with what is known of its repository (ours only), and with its `values`, which may refer to that. */
function finished(
  set: Parameters,
  { repoURL, revision }: Repository,
  commit: string,
  { prefix, values }: GitBody,
  context: GeneratorContext,
): Parameters {
  const { group, readsCommit } = context.set
  const facts = { repoURL, revision, ...(readsCommit === true && { commit }) }
  const known = group === 'flotilla.dev' ? withRepository(set, facts, prefix, context) : set
  return withValues(known, values, context.engine, context.meter)
}

/** Makes the sets of a path once for as long as it and all around it stay the same. */
function remember(
  { repoURL, revision }: Repository,
  commit: string,
  { prefix, values }: GitBody,
  { memory, set }: GeneratorContext,
): (path: string, text: string, make: () => readonly Parameters[]) => readonly Parameters[] {
  if (memory === undefined) return (_path, _text, make) => make()
  const room = memory.room(JSON.stringify(['git', repoURL, revision, set.readsCommit && commit, prefix, values]))
  return (path, text, make) => room.sets(path, text, make)
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
function requestOf(rules: readonly PathRule[], { repoURL, revision }: Repository, { set }: GeneratorContext) {
  const sorted = rules
    .toSorted((a, b) => Number(a.exclude) - Number(b.exclude) || compareUtf8(a.path, b.path))
    .filter((rule, index, all) => rule.path !== all[index - 1]?.path || rule.exclude !== all[index - 1]?.exclude)
  const wantsCommit = set.group === 'flotilla.dev' && set.readsCommit === true
  return { repoURL, revision, rules: sorted, ...(wantsCommit && { wantsCommit }) } satisfies Omit<
    InputRequest,
    'kind' | 'dialect'
  >
}

function refused(answer: InputAnswer, { path }: Repository, prefix: string): Generated {
  if (answer.kind !== 'failed') {
    return failedWith({ code: 'GENERATOR_INPUT_INVALID', message: `${prefix}the answer is ${answer.kind}`, path })
  }
  const { code, message, hint } = answer
  return failedWith({ code, message: prefix + message, path, ...(hint === undefined ? {} : { hint }) })
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

/** One repository, or several under `repositories` (ours only). */
function readRepositories(body: JsonObject, failures: Failure[]): readonly Repository[] {
  const several = body['repositories'] ?? undefined
  if (several === undefined) {
    const repoURL = readText(body, 'repoURL', failures)
    return [{ repoURL, revision: readText(body, 'revision', failures) || 'HEAD', path: [] }]
  }
  const beside = ['repoURL', 'revision'].find(field => body[field] !== undefined)
  if (beside !== undefined) {
    failures.push(invalidGenerator(`there are both ${beside} and repositories`, [beside], 'keep one of them'))
  }
  if (!Array.isArray(several) || several.length === 0) {
    failures.push(invalidGenerator('repositories is a list of { repoURL, revision }', ['repositories']))
    return []
  }
  return several.flatMap((entry, index): Repository[] => {
    const path = ['repositories', index]
    const revision = isJsonObject(entry) ? (entry['revision'] ?? '') : undefined
    if (isJsonObject(entry) && typeof entry['repoURL'] === 'string' && typeof revision === 'string') {
      return [{ repoURL: entry['repoURL'], revision: revision || 'HEAD', path }]
    }
    failures.push(invalidGenerator('repositories holds objects { repoURL: text, revision: text }', path))
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
