import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { readDecisionSettings } from '@flotilla/generators/decision-settings'
import { TemplateError } from '@flotilla/generators/failure'
import type { Generated } from '@flotilla/generators/generators/generator'
import { GENERATORS } from '@flotilla/generators/generators/registry'
import type { InputAnswer, InputRequest } from '@flotilla/generators/inputs'
import { matchesSelector, parseLabelSelector } from '@flotilla/generators/label-selector'
import { PLUGIN_SETTINGS_PREFIX, readPluginSettings } from '@flotilla/generators/plugin-settings'
import type { Observed } from './appset-expect.ts'
import { clientObjects, clustersOf, contextOf, engineFor } from './appset-inputs.ts'
import { notApplicable, type Outcome } from './suite.ts'

interface Call {
  readonly receiver: JsonObject
  readonly args: JsonObject
}

/** `DuckTypeGenerator.GenerateParams`: what the fake cluster holds becomes the answer to our request. */
export function runDecisionResources({ receiver, args }: Call): Observed {
  const spec = ((args['appSet'] as JsonObject | undefined)?.['spec'] ?? {}) as JsonObject
  const context = contextOf({
    engine: engineFor(spec['goTemplate'] === true, spec['goTemplateOptions']),
    clusters: clustersOf(receiver['clientset']),
    answer: request => decisionAnswer(request, receiver),
  })
  const body = (args['appSetGenerator'] as JsonObject)['clusterDecisionResource'] as JsonObject
  return observed(GENERATORS.get('clusterDecisionResource')!.generate!(body, context))
}

function decisionAnswer(request: InputRequest, receiver: JsonObject): InputAnswer {
  if (request.kind !== 'decision-resources') throw new Error(`a fake cluster is asked for ${request.kind}`)
  const configMap = namedObject(receiver['clientset'], 'ConfigMap', request.configMapRef)
  if (configMap === undefined)
    return refusal(`error reading configMapRef: configmaps "${request.configMapRef}" not found`)
  try {
    const { matchKey, statusListKey } = readDecisionSettings((configMap['data'] ?? {}) as { [key: string]: string })
    const selector = parseLabelSelector(request.labelSelector, 'labels')
    const resources = clientObjects(receiver['dynClient']).filter(object => {
      const { name, labels = {} } = object['metadata'] as { readonly name?: string; readonly labels?: JsonObject }
      if (request.name !== undefined) return name === request.name
      return matchesSelector(selector, labels as { readonly [key: string]: string })
    })
    return { kind: 'decision-resources', matchKey, statusListKey, resources }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return refusal(error.message)
  }
}

/** `PluginGenerator.GenerateParams`, as far as the case says what its server would answer. */
export function runPlugin({ receiver, args }: Call): Observed | Outcome {
  const spec = ((args['applicationSetInfo'] as JsonObject | undefined)?.['spec'] ?? {}) as JsonObject
  const body = (args['appSetGenerator'] as JsonObject)['plugin'] as JsonObject
  const served = (receiver['$http'] ?? args['$http']) as Json | undefined
  let unanswered = false
  const context = contextOf({
    engine: engineFor(spec['goTemplate'] === true, spec['goTemplateOptions']),
    answer: request => {
      const refused = pluginRefusal(request, receiver['client'])
      if (refused !== undefined) return refused
      unanswered = served === undefined
      const output = isJsonObject(served) ? (served['output'] as JsonObject) : {}
      return { kind: 'plugin', parameters: (output['parameters'] ?? []) as readonly JsonObject[] }
    },
  })
  const result = observed(GENERATORS.get('plugin')!.generate!(body, context))
  return unanswered ? notApplicable('the case does not hold what its server answers') : result
}

function pluginRefusal(request: InputRequest, client: Json | undefined): InputAnswer | undefined {
  if (request.kind !== 'plugin') throw new Error(`a fake cluster is asked for ${request.kind}`)
  try {
    const data = namedObject(client, 'ConfigMap', request.configMapRef)?.['data'] ?? {}
    const { token } = readPluginSettings(data as { readonly [key: string]: string })
    if (namedObject(client, 'Secret', token.secretName) !== undefined) return undefined
    const missing = `error fetching secret default/${token.secretName}: secrets "${token.secretName}" not found`
    return refusal(`${PLUGIN_SETTINGS_PREFIX}error fetching Secret token: ${missing}`)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return refusal(PLUGIN_SETTINGS_PREFIX + error.message)
  }
}

function namedObject(client: Json | undefined, kind: string, name: string): JsonObject | undefined {
  return clientObjects(client).find(
    object => object['kind'] === kind && (object['metadata'] as JsonObject | undefined)?.['name'] === name,
  )
}

function refusal(message: string): InputAnswer {
  return { kind: 'failed', code: 'MOCK', message, retry: false }
}

function observed(generated: Generated): Observed {
  if (generated.kind === 'failed') return { error: generated.failures[0]!.message }
  return { values: { result: generated.kind === 'sets' ? generated.sets : null } }
}
