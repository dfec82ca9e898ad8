import type { JsonObject } from '@flotilla/core/json/json'

/** Short ways to write the documents of the rows. */

/** Without `data` when it is not given: an empty map is a value that can be owned. */
export function configMap(name: string, data?: JsonObject, metadata: JsonObject = {}): JsonObject {
  const document = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata } }
  return data === undefined ? document : { ...document, data }
}

export function secret(name: string, fields: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, ...fields }
}

const container = { name: 'main', image: 'example.test/app:1' }

export function pod(name: string, spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { containers: [container], ...spec } }
}

/** A template for the workload `name`. */
export function podTemplate(name: string, spec: JsonObject = {}, annotations?: JsonObject): JsonObject {
  const labels = { app: name }
  return {
    metadata: annotations === undefined ? { labels } : { labels, annotations },
    spec: { containers: [container], ...spec },
  }
}

export function deployment(name: string, spec: JsonObject = {}, annotations?: JsonObject): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { selector: { matchLabels: { app: name } }, template: podTemplate(name, {}, annotations), ...spec },
  }
}

export function job(name: string, spec: JsonObject = {}, annotations?: JsonObject): JsonObject {
  const podSpec = { restartPolicy: 'Never', containers: [container] }
  const template = annotations === undefined ? { spec: podSpec } : { metadata: { annotations }, spec: podSpec }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template, ...spec },
  }
}

export function service(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }], ...spec },
  }
}

/** A namespaced CRD with one version, `v1`. */
export function customResourceDefinition(
  group: string,
  kind: string,
  schema: JsonObject,
  version: JsonObject = {},
): JsonObject {
  const singular = kind.toLowerCase()
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: `${singular}s`, singular, kind, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
    },
  }
}

export const customResourceDefinitions = 'apiextensions.k8s.io/v1/customresourcedefinitions'

export const widgetGroup = 'contract.flotilla.test'

const text = { type: 'string' }

/** The CRD that most rows about custom resources share. */
export const widgetDefinition = customResourceDefinition(
  widgetGroup,
  'Widget',
  {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        required: ['size'],
        properties: {
          size: { type: 'integer', minimum: 1, maximum: 100 },
          colour: { type: 'string', enum: ['red', 'green'], default: 'red' },
          long: { type: 'integer', format: 'int64' },
          note: { type: 'string', nullable: true },
          pattern: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
          percentOrCount: { 'x-kubernetes-int-or-string': true },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          labels: { type: 'object', additionalProperties: text },
          nested: {
            type: 'object',
            default: {},
            properties: { deep: { type: 'string', default: 'sea' }, other: text },
          },
          rules: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: {
              type: 'object',
              required: ['name'],
              properties: { name: text, value: text, weight: { type: 'integer', default: 1 } },
            },
          },
          tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
          steps: { type: 'array', items: text },
          whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: text, b: text } },
        },
      },
      status: { type: 'object', properties: { phase: text, count: { type: 'integer' } } },
    },
  },
  {
    subresources: {
      status: {},
      scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.count' },
    },
  },
)

export function widget(name: string, spec: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    apiVersion: `${widgetGroup}/v1`,
    kind: 'Widget',
    metadata: { name },
    spec: { size: 1, ...spec },
    ...more,
  }
}
