import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { TemplateEngine } from '@flotilla/generators/engines/engine'
import { engineEntryOf } from '@flotilla/generators/engines/registry'
import { TemplateError } from '@flotilla/generators/failure'
import type {
  Generated,
  Generator,
  GeneratorContext,
  GeneratorRegistry,
} from '@flotilla/generators/generators/generator'
import { GENERATORS } from '@flotilla/generators/generators/registry'
import { fileMatcher } from '@flotilla/generators/git-paths'
import {
  type ClusterFacts,
  type InputAnswer,
  type InputRequest,
  isGitRequest,
  type Parameters,
} from '@flotilla/generators/inputs'
import { readYaml } from '@flotilla/generators/read-yaml'

/** The engine that a case asks for. */
export function engineFor(goTemplate: boolean, options: Json | undefined): TemplateEngine {
  return engineEntryOf({ goTemplate }).create((options ?? []) as readonly string[], undefined)
}

/** Argo CD's field names of generators, as the cases' receivers have them. */
const REGISTRY_KEYS: { readonly [field: string]: string } = {
  List: 'list',
  Clusters: 'clusters',
  Git: 'git',
  SCMProvider: 'scmProvider',
  ClusterDecisionResource: 'clusterDecisionResource',
  PullRequest: 'pullRequest',
  Matrix: 'matrix',
  Merge: 'merge',
  Plugin: 'plugin',
}

/** Our generators, with those replaced that the case mocks. */
export function registryOf(generators: Json | undefined): GeneratorRegistry {
  const registry = new Map(GENERATORS)
  for (const [field, value] of Object.entries(isJsonObject(generators) ? generators : {})) {
    const key = REGISTRY_KEYS[field]
    const real = key === undefined ? undefined : GENERATORS.get(key)
    if (real !== undefined && isJsonObject(value) && value['$mock'] === 'Generator')
      registry.set(real.key, mocked(real, value))
  }
  return registry
}

function mocked(real: Generator, mock: JsonObject): Generator {
  const requeue = firstReturn(mock['GetRequeueAfter'])?.[0]
  return {
    key: real.key,
    fields: real.fields,
    ...(typeof requeue === 'number' && requeue > 0 && { defaultRequeueSeconds: requeue / 1e9 }),
    generate: (): Generated => {
      const [sets, error] = firstReturn(mock['GenerateParams']) ?? []
      if (isJsonObject(error)) {
        return { kind: 'failed', failures: [{ code: 'MOCK', message: String(error['$error']), path: [] }] }
      }
      return { kind: 'sets', sets: (sets ?? []) as readonly Parameters[] }
    },
  }
}

/** The template that a mocked generator gives its entries. */
export function mockedTemplates(generators: Json | undefined): { readonly [key: string]: JsonObject } {
  const templates: { [key: string]: JsonObject } = {}
  for (const [field, value] of Object.entries(isJsonObject(generators) ? generators : {})) {
    const template = isJsonObject(value) ? firstReturn(value['GetTemplate'])?.[0] : undefined
    const key = REGISTRY_KEYS[field]
    if (key !== undefined && isJsonObject(template)) templates[key] = template
  }
  return templates
}

/** The message of the error that the first of the mocked calls returns. */
export function mockError(calls: Json | undefined): string | undefined {
  const error = firstReturn(calls)?.[1]
  return isJsonObject(error) ? String(error['$error']) : undefined
}

/** The engine that stands for a renderer whose every call fails. */
export function refusingEngine(message: string): TemplateEngine {
  const refuse = (): never => {
    throw new TemplateError('MOCK', message)
  }
  return { name: 'mock', shape: 'flat', compile: () => refuse, preResolve: refuse }
}

function firstReturn(calls: Json | undefined): readonly Json[] | undefined {
  const call = Array.isArray(calls) ? calls[0] : undefined
  return isJsonObject(call) ? (call['return'] as readonly Json[]) : undefined
}

/** Raw YAML where the API holds raw JSON: the hub reads it as a part of its document. */
export function withRawYaml(value: Json): Json {
  if (Array.isArray(value)) return value.map(item => withRawYaml(item as Json))
  if (!isJsonObject(value)) return value
  const raw = value['$rawYaml']
  if (typeof raw === 'string') return readYaml(raw) ?? null
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withRawYaml(member as Json)]))
}

interface ContextParts {
  readonly engine: TemplateEngine
  readonly registry?: GeneratorRegistry
  readonly clusters?: readonly ClusterFacts[]
  readonly projects?: readonly string[]
  readonly project?: string
  readonly fileGlobs?: 'pathspec' | 'doublestar'
  readonly setName?: string
  readonly answer?: (request: InputRequest) => InputAnswer
}

/** What our generators see, in strict Argo CD mode. */
export function contextOf(parts: ContextParts): GeneratorContext {
  return {
    set: {
      name: parts.setName ?? '',
      group: 'argoproj.io',
      project: parts.project ?? '',
      trust: { kind: 'all' },
      numbers: 'go',
      fileGlobs: parts.fileGlobs ?? 'pathspec',
    },
    inputs: { clusters: parts.clusters ?? [], projects: parts.projects ?? [''], implicitLocalCluster: true },
    engine: parts.engine,
    meter: { remaining: 1e9 },
    registry: parts.registry ?? GENERATORS,
    depth: 0,
    ask: request => parts.answer?.(request),
  }
}

/** Cluster Secrets of a fake Kubernetes client. */
export function clustersOf(client: Json | undefined): readonly ClusterFacts[] {
  return clientObjects(client)
    .filter(
      object => object['kind'] === 'Secret' && isJsonObject(object['data']) && object['data']['server'] !== undefined,
    )
    .map(object => {
      const { name, server, project = '' } = object['data'] as { readonly [key: string]: string }
      const metadata = (object['metadata'] ?? {}) as JsonObject
      return {
        name: name ?? '',
        server: server ?? '',
        servers: [server ?? ''],
        local: server === 'https://kubernetes.default.svc',
        project,
        labels: (metadata['labels'] ?? {}) as ClusterFacts['labels'],
        annotations: (metadata['annotations'] ?? {}) as ClusterFacts['annotations'],
      }
    })
}

/** Names of the AppProjects of a fake client; one without a name has the name ''. */
export function projectsOf(client: Json | undefined): readonly string[] {
  return clientObjects(client)
    .filter(object => object['kind'] === 'AppProject')
    .map(object => String((object['metadata'] as JsonObject | undefined)?.['name'] ?? ''))
}

export function clientObjects(client: Json | undefined): readonly JsonObject[] {
  if (!isJsonObject(client)) return []
  if (Array.isArray(client['$client'])) return client['$client'] as readonly JsonObject[]
  return clientObjects(client['Client'] ?? client['$argoDB'])
}

/** Answers of a mocked repository: every path that any of its calls gives is in the repository. */
export function repositoryAnswer(repos: Json | undefined): (request: InputRequest) => InputAnswer {
  const mock = (isJsonObject(repos) ? repos : {}) as { readonly [method: string]: readonly JsonObject[] }
  return request => {
    if (!isGitRequest(request)) throw new Error(`a mocked repository is asked for ${request.kind}`)
    const calls = mock[request.kind === 'git-files' ? 'GetFiles' : 'GetDirectories'] ?? []
    const files = new Map<string, string>()
    const directories: string[] = []
    for (const call of calls) {
      const [value, error] = call['return'] as readonly Json[]
      if (isJsonObject(error)) return { kind: 'failed', code: 'MOCK', message: String(error['$error']), retry: false }
      if (Array.isArray(value)) directories.push(...(value as readonly string[]))
      else for (const [path, text] of Object.entries((value ?? {}) as JsonObject)) files.set(path, String(text))
    }
    if (request.kind === 'git-directories') return { kind: 'git-directories', commit: '', directories }
    const matcher = fileMatcher(request.rules, request.dialect)
    const matching = [...files].filter(([path]) => matcher.matches(path))
    return { kind: 'git-files', commit: '', files: matching.map(([path, text]) => ({ path, text })) }
  }
}

/** Runs what may throw one of our errors, as a message. */
export function messageOf<Value>(run: () => Value): { readonly value?: Value; readonly error?: string } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message }
    throw error
  }
}
