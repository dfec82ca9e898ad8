import type { Json } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { badRequest } from '../api/api-error.ts'
import { at } from '../objects/drafts.ts'
import type { ResourceType } from '../resources/resource-type.ts'

export type Matches = (object: KubernetesObject) => boolean

interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | 'absent' | 'above' | 'below'
  readonly values: readonly string[]
}

const SET_FORM = /^\s*(\S+?)\s+(in|notin)\s*\(([^)]*)\)\s*$/
const EQUAL_FORM = /^\s*([^\s!=<>]+)\s*(==|=|!=|>|<)\s*([^\s!=<>,]*)\s*$/
const EXISTS_FORM = /^\s*(!?)\s*([^\s!=<>(),]+)\s*$/

/** `a=b,c!=d,e in (f,g),!h` @throws ApiError 400 for a text that is no selector. */
export function parseLabelSelector(text: string): Matches {
  if (text.trim() === '') return () => true
  const requirements = splitOutsideBrackets(text).map(part => parseRequirement(part, text))
  return object => {
    const labels = object.metadata.labels ?? {}
    return requirements.every(requirement => meets(requirement, labels))
  }
}

/** A LabelSelector object: `matchLabels` and `matchExpressions`. An empty one matches everything. */
export function matchesLabelSelector(selector: Json | undefined, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries((at(selector, 'matchLabels') ?? {}) as Record<string, Json>)) {
    if (labels[key] !== value) return false
  }
  const expressions = at(selector, 'matchExpressions')
  for (const expression of Array.isArray(expressions) ? (expressions as readonly Json[]) : []) {
    const values = (at(expression, 'values') ?? []) as readonly string[]
    const key = String(at(expression, 'key'))
    const name = String(at(expression, 'operator'))
    const operator = name === 'In' ? 'in' : name === 'NotIn' ? 'notin' : name === 'Exists' ? 'exists' : 'absent'
    if (!meets({ key, operator, values }, labels)) return false
  }
  return true
}

function meets(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined
  switch (requirement.operator) {
    case 'in':
      return value !== undefined && requirement.values.includes(value)
    case 'notin':
      return value === undefined || !requirement.values.includes(value)
    case 'exists':
      return value !== undefined
    case 'absent':
      return value === undefined
    case 'above':
      return value !== undefined && Number(value) > Number(requirement.values[0])
    case 'below':
      return value !== undefined && Number(value) < Number(requirement.values[0])
  }
}

function parseRequirement(part: string, whole: string): Requirement {
  const set = SET_FORM.exec(part)
  if (set) {
    const values = set[3]!.split(',').map(value => value.trim())
    return { key: set[1]!, operator: set[2] as 'in' | 'notin', values }
  }
  const equal = EQUAL_FORM.exec(part)
  if (equal) {
    const operator = ({ '=': 'in', '==': 'in', '!=': 'notin', '>': 'above', '<': 'below' } as const)[equal[2] as '=']
    return { key: equal[1]!, operator, values: [equal[3]!] }
  }
  const exists = EXISTS_FORM.exec(part)
  if (exists) return { key: exists[2]!, operator: exists[1] === '!' ? 'absent' : 'exists', values: [] }
  throw badRequest(`unable to parse requirement: found '${part.trim()}' in "${whole}", expected a label selector`)
}

function splitOutsideBrackets(text: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, index))
      from = index + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

/** Fields besides name and namespace that a kind can be selected by. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
  ],
  '/Secret': ['type'],
  '/Namespace': ['status.phase'],
  '/Node': ['spec.unschedulable'],
  '/Service': ['spec.clusterIP', 'spec.type'],
  '/Event': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'reason',
    'type',
    'source',
    'reportingComponent',
  ],
  '/ReplicationController': ['status.replicas'],
  'apps/ReplicaSet': ['status.replicas'],
  'batch/Job': ['status.successful'],
}

/** `metadata.name=x,type!=Opaque` @throws ApiError 400 for a field that the kind cannot be selected by. */
export function parseFieldSelector(text: string, type: ResourceType): Matches {
  if (text.trim() === '') return () => true
  const terms = text.split(',').map(part => {
    const match = /^\s*([^!=]+?)\s*(==|=|!=)(.*)$/.exec(part)
    if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
    const path = match[1]!
    const known =
      path === 'metadata.name' ||
      (path === 'metadata.namespace' && type.namespaced) ||
      (SELECTABLE[`${type.group}/${type.kind}`] ?? []).includes(path) ||
      (type.custom?.selectableFields ?? []).includes(`.${path}`)
    if (!known) throw badRequest(unsupportedField(path, type))
    return { path: path.split('.'), equal: match[2] !== '!=', value: match[3]! }
  })
  return object =>
    terms.every(({ path, equal, value }) => {
      const found = at(object, ...path)
      const text = found === undefined || found === null ? '' : String(found)
      return (text === value) === equal
    })
}

function unsupportedField(path: string, type: ResourceType): string {
  return type.custom ? `field label not supported: ${path}` : `field label "${path}" not supported for "${type.kind}"`
}
