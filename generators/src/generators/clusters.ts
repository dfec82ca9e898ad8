import { type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { failureOf, TemplateError } from '../failure.ts'
import { compareUtf8 } from '../go-text.ts'
import type { ClusterFacts, Parameters } from '../inputs.ts'
import { matchesSelector, parseLabelSelector } from '../label-selector.ts'
import { normalize } from '../normalize.ts'
import { readValues, type ValueTemplates, withValues } from '../values.ts'
import { failedWith, type Generated, type Generator, type GeneratorContext, parameterSets } from './generator.ts'

/** Where Argo CD runs, under the name and server that it gives to its own cluster. */
export const IMPLICIT_CLUSTER = { name: 'in-cluster', server: 'https://kubernetes.default.svc' }

/** Argo CD's cluster Secrets carry it, so selectors and templates of its users may name it. */
const SECRET_TYPE_LABEL = { 'argocd.argoproj.io/secret-type': 'cluster' }

/** `clusters`: one parameter set for each Cluster that the selector takes, by name (applicationsets.md 9.2). */
export const clusters: Generator = {
  key: 'clusters',
  fields: ['selector', 'flatList', 'template', 'values'],
  generate,
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  try {
    const sets = clusterSets(body, context)
    if (body['flatList'] !== true) return parameterSets(sets)
    const flat: Parameters = { clusters: sets.length > 0 ? sets : null }
    return { kind: 'sets', sets: [flat], opaque: new Set(['clusters']) }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return failedWith(failureOf(error, []))
  }
}

function clusterSets(body: JsonObject, context: GeneratorContext): Parameters[] {
  const values = readValues(body['values'])
  const selector = readSelector(body)
  const selected = context.inputs.clusters
    .filter(cluster => matchesSelector(selector, { ...SECRET_TYPE_LABEL, ...cluster.labels }))
    .sort((a, b) => compareUtf8(a.name, b.name))
  const room = context.memory?.room(JSON.stringify(['clusters', body['values']]))
  const sets = selected.flatMap(cluster => {
    const make = (): readonly Parameters[] => [clusterParameters(cluster, values, context)]
    return room ? room.sets(cluster.name, cluster as unknown as JsonObject, make) : make()
  })
  const named = selected.some(({ server, servers }) =>
    [server, ...servers].some(url => url === IMPLICIT_CLUSTER.server),
  )
  if (context.inputs.implicitLocalCluster === true && selector.length === 0 && !named) {
    const { name, server } = IMPLICIT_CLUSTER
    const parameters = { name, nameNormalized: name, server, project: '' }
    sets.push(withValues(parameters, values, context.engine, context.meter))
  }
  return sets
}

function readSelector(body: JsonObject) {
  try {
    return parseLabelSelector(body['selector'], 'labels')
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error.wrap('error getting cluster secrets: error converting label selector: ').at(['selector', ...error.path])
  }
}

function clusterParameters(cluster: ClusterFacts, values: ValueTemplates, context: GeneratorContext): Parameters {
  const { name, server, project, annotations, environment } = cluster
  const argo = context.set.group === 'argoproj.io'
  const parameters: MutableJsonObject = { name, nameNormalized: normalize(name), server, project }
  if (!argo && environment !== undefined) parameters['environment'] = environment
  const labels = argo ? { ...SECRET_TYPE_LABEL, ...cluster.labels } : cluster.labels
  if (context.engine.shape === 'nested') parameters['metadata'] = metadataOf(labels, annotations)
  else {
    for (const key of Object.keys(labels)) setKey(parameters, `metadata.labels.${key}`, labels[key])
    for (const key of Object.keys(annotations)) setKey(parameters, `metadata.annotations.${key}`, annotations[key])
  }
  return withValues(parameters, values, context.engine, context.meter)
}

function metadataOf(labels: JsonObject, annotations: JsonObject): JsonObject {
  const metadata: MutableJsonObject = {}
  if (Object.keys(labels).length > 0) metadata['labels'] = labels
  if (Object.keys(annotations).length > 0) metadata['annotations'] = annotations
  return metadata
}
