import { compileGlob, type Glob } from '../glob/glob.ts'
import type { JqExpression } from '../jq/jq-expression.ts'
import type { JqLanguage } from '../jq/jq-places.ts'
import { isJqMistake, parseJq } from '../jq/parse-jq.ts'
import type { JsonObject } from '../json/json.ts'
import { listAt, textAt } from '../json/read-json.ts'
import type { ObjectKey } from '../model/kubernetes-object.ts'
import type { DifferenceTest } from './difference.ts'

/** One entry of `ignoreDifferences`, ready to be used. */
export interface IgnoreRule {
  readonly matches: (key: ObjectKey) => boolean
  /** Each a list of unescaped segments (RFC 6901). */
  readonly pointers: readonly (readonly string[])[]
  readonly expressions: readonly JqExpression[]
  /** What these field managers own is theirs. */
  readonly managers: readonly string[]
  readonly tests: readonly DifferenceTest[]
  /** The fields are ignored in comparing alone: a sync that comes for another reason writes them. */
  readonly overwrite: boolean
}

export interface IgnoreRules {
  readonly rules: readonly IgnoreRule[]
  /** What cannot be run; a plan with one of these must not be performed. */
  readonly mistakes: readonly string[]
  readonly language: JqLanguage
}

/** What only some rules need, loaded by whoever reads them ({@link loadDiffLanguages}). */
export interface DiffLanguages extends JqLanguage {
  /** The test, or why the expression cannot be run. */
  readonly cel?: (source: string) => DifferenceTest | string
}

export const NO_IGNORE_RULES: IgnoreRules = { rules: [], mistakes: [], language: {} }

/**
 * Reads `ignoreDifferences` as Argo CD documents write it, and our additions: group and kind are globs, name and
 * namespace exact; no group is the core group.
 */
export function readIgnoreRules(documents: readonly JsonObject[], languages: DiffLanguages = {}): IgnoreRules {
  const mistakes: string[] = []
  const rules = documents.map(document => readRule(document, languages, mistakes))
  return { rules, mistakes, language: languages.pattern ? { pattern: languages.pattern } : {} }
}

function readRule(document: JsonObject, { cel }: DiffLanguages, mistakes: string[]): IgnoreRule {
  const group = glob(textAt(document, 'group'))
  const kind = glob(textAt(document, 'kind'))
  const name = textAt(document, 'name')
  const namespace = textAt(document, 'namespace')
  const expressions = textsAt(document, 'jqPathExpressions').flatMap(source => {
    const read = parseJq(source)
    if (!isJqMistake(read)) return [read]
    mistakes.push(`ignoreDifferences: jq path expression ${JSON.stringify(source)}: ${read.message}`)
    return []
  })
  const tests = textsAt(document, 'celExpressions').flatMap(source => {
    const read = cel ? cel(source) : 'expressions in CEL are not loaded'
    if (typeof read !== 'string') return [read]
    mistakes.push(`ignoreDifferences: CEL expression ${JSON.stringify(source)}: ${read}`)
    return []
  })
  return {
    matches: key =>
      group(key.group) &&
      kind(key.kind) &&
      (name === '' || name === key.name) &&
      (namespace === '' || namespace === key.namespace),
    pointers: textsAt(document, 'jsonPointers')
      .map(parsePointer)
      .filter(pointer => pointer.length > 0),
    expressions,
    managers: textsAt(document, 'managedFieldsManagers'),
    tests,
    overwrite: textAt(document, 'onSync') === 'overwrite',
  }
}

/** Loads what these rules need and nothing else: patterns and CEL cost memory that most agents never need. */
export async function loadDiffLanguages(documents: readonly JsonObject[]): Promise<DiffLanguages> {
  const wantsPatterns = documents.some(document =>
    textsAt(document, 'jqPathExpressions').some(source => source.includes('test')),
  )
  const wantsCel = documents.some(document => textsAt(document, 'celExpressions').length > 0)
  const pattern = wantsPatterns ? { pattern: (await import('./linear-pattern.ts')).linearPattern } : {}
  const cel = wantsCel ? { cel: (await import('./cel-difference.ts')).celDifference } : {}
  return { ...pattern, ...cel }
}

function textsAt(document: JsonObject, field: string): readonly string[] {
  return listAt(document, field).filter(text => typeof text === 'string')
}

function parsePointer(pointer: string): readonly string[] {
  if (!pointer.startsWith('/')) return []
  return pointer
    .slice(1)
    .split('/')
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A pattern that is no glob matches its own text and nothing else. */
function glob(pattern: string): Glob {
  try {
    return compileGlob(pattern, '')
  } catch {
    return text => text === pattern
  }
}
