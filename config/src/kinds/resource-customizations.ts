import { type CelExpressions, celHealthRule } from '@flotilla/core/health/custom/cel-rule'
import {
  argoHealthScripts,
  argoHealthScriptsOfMap,
  type CustomRuleSource,
  kindOfKey,
} from '@flotilla/core/health/custom/custom-rules'
import { parseDataRule } from '@flotilla/core/health/data/parse-data-rule'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { ResourceCustomizations } from '@flotilla/core/model/resource-customizations'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import type { Path, Problem } from '../problem.ts'
import { rbacConfigMapDocument } from '../schema/access-policy.ts'
import { ignoreRuleProblems } from './ignore-rule-problems.ts'
import { type KindReader, type KindReading, member, nameOf, textOf } from './kind.ts'

const WHOLE = 'resource.customizations'
/** A rule of ours, as data or in expressions; the rest of the key is as in Argo CD's. */
const RULE = 'flotilla.health.'
/** Instead of a rule: the kind has no health. */
const NONE = 'none'
const IGNORE = `${WHOLE}.ignoreDifferences.`
/** Of what a person of Argo CD might miss here, the reason why it does nothing. */
const WITHOUT_EFFECT: readonly (readonly [prefix: string, reason: string])[] = [
  [`${WHOLE}.useOpenLibs.`, 'scripts have the libraries that health.md 5 lists, and no others'],
  [`${WHOLE}.actions.`, 'actions of one’s own are not built'],
  [`${WHOLE}.knownTypeFields.`, 'differences are found by the server, which knows its own types'],
  [`${WHOLE}.ignoreResourceUpdates.`, 'a change of an ignored field costs nothing here'],
  ['resource.exclusions', 'what may be applied is for Projects to say'],
  ['resource.inclusions', 'what may be applied is for Projects to say'],
]

/** Argo CD's `argocd-cm`, for what it says of kinds. Its other settings are hub.yaml's here. */
function readArgoConfigMap(document: JsonObject): KindReading {
  const data = member(document, 'data')
  const problems: Problem[] = []
  const older = yamlAt(data, WHOLE, problems)
  const ignoreDifferences = Object.keys(data)
    .filter(key => key.startsWith(IGNORE))
    .sort()
    .map(key => ignoreRule(key.slice(IGNORE.length), yamlAt(data, key, problems), ['data', key], problems))
  for (const [name, entry] of Object.entries(older)) {
    const text = isJsonObject(entry) ? textOf(entry['ignoreDifferences']) : undefined
    if (text === undefined) continue
    const path: Path = ['data', WHOLE]
    ignoreDifferences.push(ignoreRule(name.replace('/', '_'), yamlOf(text, path, problems), path, problems))
  }
  const health: readonly CustomRuleSource[] = [
    ...argoHealthScriptsOfMap(older),
    ...argoHealthScripts(data),
    ...ownRules(data, problems),
  ]
  for (const key of Object.keys(data)) {
    const reason = WITHOUT_EFFECT.find(([prefix]) => key.startsWith(prefix))?.[1]
    if (reason !== undefined) {
      const message = `${key} has no effect: ${reason}`
      problems.push({ code: 'FIELD_NOT_SUPPORTED_YET', severity: 'warning', path: ['data', key], at: 'key', message })
    }
  }
  const spec: ResourceCustomizations = { health, ignoreDifferences }
  return { name: nameOf(document), spec, problems }
}

function ownRules(data: JsonObject, problems: Problem[]): readonly CustomRuleSource[] {
  return Object.keys(data)
    .filter(key => key.startsWith(RULE))
    .sort()
    .flatMap((key): readonly CustomRuleSource[] => {
      const kind = kindOfKey(key.slice(RULE.length))
      if (textOf(data[key])?.trim() === NONE) return [{ kind, none: true }]
      const before = problems.length
      const document = yamlAt(data, key, problems)
      if (problems.length > before) return []
      const tell = (message: string) =>
        problems.push({ code: 'INVALID_VALUE', severity: 'error', path: ['data', key], message })
      if (EXPRESSIONS.some(name => Object.hasOwn(document, name))) {
        const cel = readExpressions(document)
        const mistake = typeof cel === 'string' ? cel : mistakeIn(cel)
        if (mistake === undefined && typeof cel !== 'string') return [{ kind, cel }]
        tell(mistake ?? '')
        return []
      }
      const parsed = parseDataRule(document)
      if (parsed.kind === 'rule') return [{ kind, data: document }]
      for (const { at, message } of parsed.mistakes) tell(`${at} ${message}`)
      return []
    })
}

const EXPRESSIONS = ['inProgress', 'failed', 'current'] as const

/** As Flux' `healthCheckExprs` have them, or what is wrong with their form. */
function readExpressions(document: JsonObject): CelExpressions | string {
  for (const [name, value] of Object.entries(document)) {
    if (!EXPRESSIONS.some(one => one === name)) return `${name} is no expression; there are ${EXPRESSIONS.join(', ')}`
    if (typeof value !== 'string') return `${name} is a text`
  }
  return typeof document['current'] === 'string'
    ? (document as unknown as CelExpressions)
    : 'current is missing: nothing would say that all is well'
}

function mistakeIn(expressions: CelExpressions): string | undefined {
  const rule = celHealthRule(expressions)
  return typeof rule === 'string' ? rule : undefined
}

function ignoreRule(name: string, rule: JsonObject, path: Path, problems: Problem[]): JsonObject {
  problems.push(...ignoreRuleProblems({ ignoreDifferences: [rule] }, path).map(problem => ({ ...problem, path })))
  return { ...groupAndKind(name), ...rule }
}

/** `group_Kind`, `Kind` of the core group, or `all`. A kind has no `_` in it and a group may. */
function groupAndKind(name: string): { readonly group: string; readonly kind: string } {
  if (name === 'all') return { group: '*', kind: '*' }
  const at = name.lastIndexOf('_')
  return at < 0 ? { group: '', kind: name } : { group: name.slice(0, at), kind: name.slice(at + 1) }
}

function yamlAt(data: JsonObject, key: string, problems: Problem[]): JsonObject {
  const text = textOf(data[key])
  return text === undefined ? {} : yamlOf(text, ['data', key], problems)
}

function yamlOf(text: string, path: Path, problems: Problem[]): JsonObject {
  const { documents, diagnostics } = parseYamlDocuments(text, { file: path.join('.') })
  for (const { line, message } of diagnostics) {
    problems.push({ code: 'INVALID_VALUE', severity: 'error', path, message: `line ${line} of it: ${message}` })
  }
  const value = documents[0]?.value
  if (diagnostics.length > 0 || value === undefined || value === null) return {}
  if (isJsonObject(value)) return value
  problems.push({ code: 'INVALID_VALUE', severity: 'error', path, message: 'is not a mapping' })
  return {}
}

export const argoConfigMapReader: KindReader = {
  apiVersion: 'v1',
  writtenKind: 'ConfigMap',
  kind: 'ResourceCustomizations',
  group: 'argoproj.io',
  schema: rbacConfigMapDocument,
  read: readArgoConfigMap,
}
