import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import { formatValue } from '../go-text.ts'
import type { ClusterFacts, DecisionResourcesRequest, Parameters } from '../inputs.ts'
import { parseLabelSelector } from '../label-selector.ts'
import { readValues, type ValueTemplates } from '../values.ts'
import { IMPLICIT_CLUSTER } from './clusters.ts'
import {
  failedWith,
  type Generated,
  type Generator,
  type GeneratorContext,
  invalidGenerator,
  parameterSets,
} from './generator.ts'

/**
 * `clusterDecisionResource`: the Clusters that resources of somebody else name in their status, by name alone
 * (applicationsets.md 9.10).
 */
export const clusterDecisionResource: Generator = {
  key: 'clusterDecisionResource',
  fields: ['configMapRef', 'name', 'labelSelector', 'requeueAfterSeconds', 'template', 'values'],
  defaultRequeueSeconds: 'configured',
  generate,
}

/** Kubernetes keeps whole numbers whole, so that they never take the exponent form of Go's floats. */
const NUMBERS = 'plain'

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const read = readBody(body, context)
  if ('failures' in read) return failedWith(...read.failures)
  const answer = context.ask(read.request)
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind === 'failed') return failedWith({ code: answer.code, message: answer.message, path: [] })
  if (answer.kind !== 'decision-resources') {
    return failedWith({ code: 'GENERATOR_INPUT_INVALID', message: `the answer is ${answer.kind}`, path: [] })
  }
  const { matchKey, statusListKey, resources } = answer
  if (resources.length === 0) {
    const message = 'no clusterDecisionResources found'
    return failedWith({ code: 'DECISION_RESOURCES_MISSING', message, path: [] })
  }
  if (matchKey === '') return parameterSets([])
  const decisions = resources.flatMap(resource => decisionsOf(resource, statusListKey))
  const clusters = clustersByName(context)
  const sets: Parameters[] = []
  for (const decision of decisions) {
    const name = Object.hasOwn(decision, matchKey) ? formatValue(decision[matchKey], NUMBERS) : undefined
    const cluster = name === undefined ? undefined : clusters.get(name)
    if (cluster !== undefined) sets.push(parametersOf(decision, cluster, read.values, context))
  }
  return parameterSets(sets)
}

/** A resource that has decided nothing yet, or in another shape, decides on no cluster. */
function decisionsOf(resource: JsonObject, statusListKey: string): readonly JsonObject[] {
  const status = resource['status']
  const decisions = isJsonObject(status) && Object.hasOwn(status, statusListKey) ? status[statusListKey] : undefined
  return Array.isArray(decisions) ? (decisions as readonly Json[]).filter(isJsonObject) : []
}

function clustersByName({ inputs }: GeneratorContext): ReadonlyMap<string, Pick<ClusterFacts, 'name' | 'server'>> {
  const clusters = new Map<string, Pick<ClusterFacts, 'name' | 'server'>>()
  if (inputs.implicitLocalCluster === true) clusters.set(IMPLICIT_CLUSTER.name, IMPLICIT_CLUSTER)
  for (const cluster of inputs.clusters) clusters.set(cluster.name, cluster)
  return clusters
}

/** The decision's own keys win over the cluster's; `values` are taken as they are written. */
function parametersOf(
  decision: JsonObject,
  { name, server }: Pick<ClusterFacts, 'name' | 'server'>,
  values: ValueTemplates,
  { engine }: GeneratorContext,
): Parameters {
  const parameters: MutableJsonObject = { name, server }
  for (const key of Object.keys(decision)) setKey(parameters, key, formatValue(decision[key], NUMBERS))
  const keys = Object.keys(values)
  if (keys.length === 0) return parameters
  if (engine.shape === 'nested') parameters['values'] = values
  else for (const key of keys) setKey(parameters, `values.${key}`, values[key])
  return parameters
}

function readBody(
  body: JsonObject,
  { set }: GeneratorContext,
):
  | { readonly failures: readonly Failure[] }
  | { readonly request: DecisionResourcesRequest; readonly values: ValueTemplates } {
  const failures: Failure[] = []
  const collect = <Value>(read: () => Value, path: Failure['path']): Value | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      failures.push(failureOf(error, path))
      return undefined
    }
  }
  const configMapRef = body['configMapRef']
  if (typeof configMapRef !== 'string' || configMapRef === '') {
    failures.push(invalidGenerator('configMapRef is needed: the name of a ConfigMap', ['configMapRef']))
  }
  const name = body['name'] ?? ''
  if (typeof name !== 'string') failures.push(invalidGenerator('name is a text', ['name']))
  const labelSelector = body['labelSelector'] ?? {}
  if (!isJsonObject(labelSelector)) failures.push(invalidGenerator('labelSelector is an object', ['labelSelector']))
  const requirements = collect(() => parseLabelSelector(labelSelector, 'labels'), ['labelSelector']) ?? []
  if (failures.length === 0 && (name !== '') === requirements.length > 0) {
    const message = 'there is a problem with the definition of the ClusterDecisionResource generator'
    failures.push(invalidGenerator(message, [], 'give either name or labelSelector'))
  }
  const values = collect(() => readValues(body['values']), [])
  if (failures.length > 0 || values === undefined) return { failures }
  const request: DecisionResourcesRequest = {
    kind: 'decision-resources',
    configMapRef: configMapRef as string,
    project: set.project,
    trust: set.trust,
    ...(name !== '' ? { name: name as string } : { labelSelector: labelSelector as JsonObject }),
  }
  return { request, values }
}
