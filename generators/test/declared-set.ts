import type { JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import {
  type ClusterFacts,
  type GeneratorInputs,
  type InputAnswer,
  type InputRequest,
  inputKey,
} from '../src/inputs.ts'

/** The ApplicationSet in `yaml`, as a loader would hand it over, with the places of its nodes. */
export function declaredSet(yaml: string, file = 'set.yaml'): Declared<ApplicationSetSpec> {
  const { documents, diagnostics } = parseYamlDocuments(yaml, { file })
  const [document] = documents
  if (document === undefined) throw new Error(`the test's YAML is broken: ${JSON.stringify(diagnostics)}`)
  const { apiVersion, kind, metadata = {}, spec } = document.value as JsonObject
  const { name, namespace, labels, annotations } = metadata as JsonObject
  return {
    group: String(apiVersion).startsWith('argoproj.io/') ? 'argoproj.io' : 'flotilla.dev',
    apiVersion: String(apiVersion),
    kind: String(kind),
    name: String(name),
    ...(namespace !== undefined && { namespace: String(namespace) }),
    labels: (labels ?? {}) as Declared<unknown>['labels'],
    annotations: (annotations ?? {}) as Declared<unknown>['annotations'],
    finalizers: [],
    spec: spec as unknown as ApplicationSetSpec,
    document: document.value as JsonObject,
    source: 'platform',
    trust: { kind: 'all' },
    index: 0,
    contentDigest: 'sha256:0',
    position: document.positionOf([]),
    positionOf: path => document.positionOf(path),
  }
}

export function cluster(name: string, labels: ClusterFacts['labels'] = {}): ClusterFacts {
  const server = `https://${name}.example.com`
  return { name, server, servers: [server], local: false, project: '', labels, annotations: {} }
}

/** Inputs that answer what `answers` hold and nothing else. */
export function inputsOf(
  parts: Partial<Omit<GeneratorInputs, 'answer'>> & {
    readonly answers?: readonly (readonly [InputRequest, InputAnswer])[]
    readonly answer?: (request: InputRequest) => InputAnswer | undefined
  } = {},
): GeneratorInputs {
  const { answers = [], answer, ...rest } = parts
  const byKey = new Map(answers.map(([request, value]) => [inputKey(request), value]))
  return { clusters: [], projects: ['default'], ...rest, answer: answer ?? (request => byKey.get(inputKey(request))) }
}
