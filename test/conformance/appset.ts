import { cloneJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { renderText } from '@flotilla/generators/engines/engine'
import { expandWith } from '@flotilla/generators/expand'
import { combineFlat } from '@flotilla/generators/generators/combine'
import type { Generated, GeneratorContext } from '@flotilla/generators/generators/generator'
import { fileParameters } from '@flotilla/generators/generators/git-parameters'
import { parameterSetsByMergeKey } from '@flotilla/generators/generators/merge'
import { GENERATORS } from '@flotilla/generators/generators/registry'
import { holdsGenerator } from '@flotilla/generators/holds-generator'
import type { Parameters } from '@flotilla/generators/inputs'
import { interpolation } from '@flotilla/generators/interpolate'
import { requeueAfterMs } from '@flotilla/generators/requeue'
import { mergeTemplate } from '@flotilla/generators/templating/merge-template'
import { applicationRenderer, DEFAULT_FINALIZER } from '@flotilla/generators/templating/render-application'
import { applyTemplatePatch } from '@flotilla/generators/templating/template-patch'
import { entryTransformer } from '@flotilla/generators/transform'
import { unrecognizedGenerators, unrecognizedMessage } from '@flotilla/generators/unrecognized-generators'
import { validateApplications } from '@flotilla/generators/validate-applications'
import { readValues, withValues } from '@flotilla/generators/values'
import { normalizeBitbucketBasePath } from '@flotilla/hub/hosts/bitbucket-server'
import { checkExpectations, type Observed } from './appset-expect.ts'
import { runDecisionResources, runPlugin } from './appset-hosted.ts'
import { runListPullRequests, runListRepos, runPullRequest, runScmProvider } from './appset-hosts.ts'
import {
  clustersOf,
  contextOf,
  engineFor,
  messageOf,
  mockError,
  mockedTemplates,
  projectsOf,
  refusingEngine,
  registryOf,
  repositoryAnswer,
  withRawYaml,
} from './appset-inputs.ts'
import { APPSET_NOT_APPLICABLE } from './appset-reasons.ts'
import {
  runCreateOrUpdate,
  runDelete,
  runFinalizers,
  runHealth,
  runReconcile,
  runResourcesStatus,
  runSetConditions,
  runWriteConditions,
} from './appset-rounds.ts'
import { runRevisionHasChanged, runWebhook } from './appset-webhooks.ts'
import { type ConformanceCase, notApplicable, type Operation, type Outcome, type Suite } from './suite.ts'

interface Call {
  readonly receiver: JsonObject
  readonly args: JsonObject
  readonly testCase: ConformanceCase
}

type Run = (call: Call) => Observed | Outcome

const OPERATIONS: { readonly [operation: string]: { readonly run: Run; readonly apiObjects?: boolean } } = {
  'generators.ClusterGenerator.GenerateParams': { run: runClusters },
  'generators.DuckTypeGenerator.GenerateParams': { run: runDecisionResources },
  'generators.PluginGenerator.GenerateParams': { run: runPlugin },
  'generators.PullRequestGenerator.GenerateParams': { run: runPullRequest },
  'generators.SCMProviderGenerator.GenerateParams': { run: runScmProvider },
  'pull_request.ListPullRequests': { run: runListPullRequests },
  'scm_provider.ListRepos': { run: runListRepos },
  'webhook.WebhookHandler.Handler': { run: runWebhook },
  'webhook.genRevisionHasChanged': { run: runRevisionHasChanged },
  'utils.NormalizeBitbucketBasePath': {
    run: ({ args }) => resultOf(normalizeBitbucketBasePath(String(Object.values(args)[0]))),
  },
  'generators.GitGenerator.GenerateParams': { run: runGit },
  'generators.GitGenerator.generateParamsFromGitFile': { run: runGitFile },
  'generators.MatrixGenerator.GenerateParams': {
    run: call => runGenerator('matrix', call.args, combinatorContext(call)),
  },
  'generators.MergeGenerator.GenerateParams': {
    run: call => runGenerator('merge', call.args, combinatorContext(call)),
  },
  'generators.ListGenerator.GenerateParams': { run: call => runGenerator('list', call.args, combinatorContext(call)) },
  ...Object.fromEntries(
    ['List', 'Cluster', 'Git', 'Matrix', 'Merge', 'SCMProvider', 'PullRequest', 'Plugin', 'DuckType'].map(generator => [
      `generators.${generator}Generator.GetRequeueAfter`,
      { run: runRequeueAfter },
    ]),
  ),
  'generators.getParamSetsByMergeKey': {
    run: ({ args }) => {
      const keys = args['mergeKeys'] as readonly string[]
      const { value, error } = messageOf(() => parameterSetsByMergeKey(keys, (args['paramSets'] ?? []) as Parameters[]))
      return { values: { result: Object.fromEntries(value ?? []) }, ...(error !== undefined && { error }) }
    },
  },
  'generators.Transform': { run: runTransform },
  'generators.InterpolateGenerator': { run: runInterpolate('requestedGenerator'), apiObjects: true },
  'utils.Render.RenderGeneratorParams': { run: runInterpolate('gen'), apiObjects: true },
  'generators.appendTemplatedValues': {
    run: ({ args }) => {
      const engine = engineOf(args)
      const values = readValues(args['values'])
      const parameters = cloneJson((args['params'] ?? {}) as JsonObject)
      const { value, error } = messageOf(() => withValues(parameters, values, engine, { remaining: 1e9 }))
      return { values: { 'arg:params': value ?? parameters }, ...(error !== undefined && { error }) }
    },
  },
  'utils.Render.RenderTemplateParams': { run: runRenderTemplate, apiObjects: true },
  'utils.Render.Replace': {
    run: ({ args }) => {
      const parameters = (args['replaceMap'] ?? {}) as Parameters
      const { value, error } = messageOf(() =>
        renderText(engineOf(args), String(args['tmpl'] ?? ''), parameters, { remaining: 1e9 }),
      )
      return { values: { result: value }, ...(error !== undefined && { error }) }
    },
  },
  'utils.SlugifyName': {
    run: ({ args }) => {
      const given = (args['args'] ?? []) as readonly Json[]
      const words = given.map(each => JSON.stringify(each)).join(' ')
      const { value, error } = messageOf(() =>
        renderText(engineFor(true, []), `{{ slugify ${words} }}`, {}, { remaining: 1e9 }),
      )
      return { values: { result: value }, ...(error !== undefined && { error }) }
    },
  },
  'utils.CombineStringMaps': {
    run: ({ args }) => {
      const { value, error } = messageOf(() => combineFlat(args['aSI'] as Parameters, args['bSI'] as Parameters, 'go'))
      return { values: { result: value }, ...(error !== undefined && { error }) }
    },
  },
  'utils.invalidGenerators': {
    run: ({ args }) => {
      const { metadata = {}, spec = {} } = args['applicationSetInfo'] as { readonly [key: string]: JsonObject }
      const annotations = (metadata['annotations'] ?? {}) as { readonly [key: string]: string }
      const found = unrecognizedGenerators((spec['generators'] ?? []) as readonly Json[], annotations, GENERATORS)
      const names = Object.fromEntries(found.flatMap(entry => entry.names.map(name => [name, true])))
      return { values: { result0: found.length > 0, result1: names } }
    },
  },
  'utils.CheckInvalidGenerators': {
    run: ({ args }) => {
      const { metadata = {}, spec = {} } = args['applicationSetInfo'] as { readonly [key: string]: JsonObject }
      const annotations = (metadata['annotations'] ?? {}) as { readonly [key: string]: string }
      const found = unrecognizedGenerators((spec['generators'] ?? []) as readonly Json[], annotations, GENERATORS)
      const names = [...new Set(found.flatMap(entry => entry.names))]
      return found.length === 0 ? {} : { error: unrecognizedMessage(String(metadata['name'] ?? ''), names) }
    },
  },
  'template.applyTemplatePatch': {
    run: ({ args }) => {
      const { value, error } = messageOf(() =>
        applyTemplatePatch(args['app'] as JsonObject, args['templatePatch'] as string),
      )
      return { values: { result: value }, ...(error !== undefined && { error }) }
    },
    apiObjects: true,
  },
  'template.GenerateApplications': { run: runGenerateApplications, apiObjects: true },
  'controllers.nestedGeneratorHasClusterGenerator': {
    run: ({ args }) => resultOf(holdsGenerator('clusters', [args['nested'] ?? null])),
  },
  'controllers.ApplicationSetReconciler.Reconcile': { run: runReconcile, apiObjects: true },
  'controllers.ApplicationSetReconciler.createInCluster': { run: runCreateOrUpdate('create-only'), apiObjects: true },
  'controllers.ApplicationSetReconciler.deleteInCluster': { run: runDelete, apiObjects: true },
  'controllers.ApplicationSetReconciler.createOrUpdateInCluster': { run: runCreateOrUpdate('sync'), apiObjects: true },
  'controllers.ApplicationSetReconciler.removeFinalizerOnInvalidDestination': { run: runFinalizers },
  'controllers.ApplicationSetReconciler.setApplicationSetStatusCondition': {
    run: runWriteConditions,
    apiObjects: true,
  },
  'controllers.ApplicationSetReconciler.updateResourcesStatus': { run: runResourcesStatus, apiObjects: true },
  'v1alpha1.ApplicationSetStatus.CalculateHealth': { run: runHealth },
  'v1alpha1.ApplicationSetStatus.SetConditions': { run: runSetConditions, apiObjects: true },
  'controllers.ApplicationSetReconciler.getMinRequeueAfter': {
    run: ({ receiver, args, testCase }) => {
      const spec = (args['applicationSetInfo'] as JsonObject)['spec'] as unknown as ApplicationSetSpec
      const registry = registryOf(receiver['Generators'])
      const configured = configuredSeconds(testCase['env'] as JsonObject | undefined)
      return resultOf(
        requeueAfterMs(spec, { registry, ...(configured !== undefined && { defaultSeconds: configured }) }) * 1e6,
      )
    },
  },
  'controllers.ApplicationSetReconciler.validateGeneratedApplications': {
    run: ({ receiver, args }) => {
      const set = args['applicationSetInfo'] as { readonly metadata?: JsonObject }
      const clusters = clustersOf(receiver['ArgoDB'])
      const mistakes = validateApplications(
        String(set.metadata?.['name'] ?? ''),
        args['desiredApplications'] as readonly JsonObject[],
        { projects: projectsOf(receiver['Client']), clusters },
      )
      return resultOf(Object.fromEntries(mistakes))
    },
  },
}

export const appsetSuite: Suite = {
  name: 'appset',
  file: 'appset.json',
  operationOf: testCase => String(testCase['op']),
  operations: Object.fromEntries(
    Object.entries(OPERATIONS).map(([name, { run, apiObjects = false }]): [string, Operation] => [
      name,
      given => {
        const testCase = withRawYaml(given as unknown as Json) as unknown as ConformanceCase
        const observed = run({
          receiver: (testCase['receiver'] ?? {}) as JsonObject,
          args: (testCase['args'] ?? {}) as JsonObject,
          testCase,
        })
        return 'kind' in observed ? observed : checkExpectations(testCase, observed, apiObjects)
      },
    ]),
  ),
  notApplicable: APPSET_NOT_APPLICABLE,
}

function runRequeueAfter({ receiver, args }: Call): Observed {
  const spec = { generators: [args['appSetGenerator'] as JsonObject] }
  return resultOf(requeueAfterMs(spec, { registry: registryOf(receiver['supportedGenerators']) }) * 1e6)
}

function resultOf(result: Json): Observed {
  return { values: { result } }
}

function engineOf(args: JsonObject) {
  return engineFor(args['useGoTemplate'] === true, args['goTemplateOptions'])
}

function setSpec(args: JsonObject): JsonObject {
  return ((args['appSet'] as JsonObject | undefined)?.['spec'] ?? {}) as JsonObject
}

function runGenerator(key: string, args: JsonObject, context: GeneratorContext): Observed {
  const body = (args['appSetGenerator'] as JsonObject)[key] as JsonObject
  return observe(messageOf(() => context.registry.get(key)!.generate!(body, context)))
}

function observe({ value, error }: { readonly value?: Generated; readonly error?: string }): Observed {
  if (error !== undefined) return { error }
  if (value?.kind === 'failed') return { error: value.failures[0]!.message }
  return { values: { result: value?.kind === 'sets' ? value.sets : null } }
}

function runClusters({ receiver, args }: Call): Observed | Outcome {
  const client = receiver['Client'] as JsonObject
  if (client['shouldError'] === true) {
    return notApplicable('Clusters are declared in Git: to list them needs no call that could fail')
  }
  const spec = setSpec(args)
  const engine = engineFor(spec['goTemplate'] === true, spec['goTemplateOptions'])
  return runGenerator('clusters', args, contextOf({ engine, clusters: clustersOf(client) }))
}

function runGit({ receiver, args, testCase }: Call): Observed {
  const spec = setSpec(args)
  const template = (spec['template'] ?? {}) as { readonly spec?: JsonObject }
  return runGenerator(
    'git',
    args,
    contextOf({
      engine: engineFor(spec['goTemplate'] === true, spec['goTemplateOptions']),
      projects: projectsOf(args['client']),
      project: String(template.spec?.['project'] ?? ''),
      // The dialect is an option of the controller, which only the name of the test tells.
      fileGlobs: String(testCase['test']).includes('WithOldGlobbing') ? 'pathspec' : 'doublestar',
      answer: repositoryAnswer(receiver['repos']),
    }),
  )
}

function runGitFile({ args }: Call): Observed {
  const context = contextOf({ engine: engineOf(args) })
  const { value, error } = messageOf(() =>
    fileParameters(String(args['filePath']), String(args['fileContent']), String(args['pathParamPrefix']), context).map(
      set => withValues(set, readValues(args['values']), context.engine, context.meter),
    ),
  )
  return error === undefined ? { values: { result: value ?? null } } : { error }
}

function combinatorContext({ receiver, args }: Call): GeneratorContext {
  const spec = setSpec(args)
  const supported = receiver['supportedGenerators'] as JsonObject | undefined
  return contextOf({
    engine: engineFor(spec['goTemplate'] === true, spec['goTemplateOptions']),
    registry: registryOf(supported),
    clusters: clustersOf((supported?.['Clusters'] as JsonObject | undefined)?.['Client']),
    answer: repositoryAnswer((supported?.['Git'] as JsonObject | undefined)?.['repos']),
  })
}

function runTransform({ args }: Call): Observed {
  const spec = setSpec(args)
  const generators = args['allGenerators'] as JsonObject
  const context = contextOf({
    engine: engineFor(spec['goTemplate'] === true, spec['goTemplateOptions']),
    registry: registryOf(generators),
    clusters: clustersOf((generators['Clusters'] as JsonObject | undefined)?.['Client']),
    answer: repositoryAnswer((generators['Git'] as JsonObject | undefined)?.['repos']),
  })
  const entry = args['requestedGenerator'] as JsonObject
  const transformed = entryTransformer(entry, context)((args['genParams'] ?? {}) as Parameters)
  if (transformed.kind === 'failed') return { error: transformed.failures[0]!.message }
  const base = (args['baseTemplate'] ?? {}) as JsonObject
  const results = transformed.kind === 'waiting' ? [] : transformed.results
  return resultOf(
    results.map(({ sets, template }) => ({
      Params: sets.map(({ parameters }) => parameters),
      Template: mergeTemplate(template, base),
    })),
  )
}

function runInterpolate(argument: string): Run {
  return ({ args }) => {
    const engine = engineOf(args)
    const entry = (args[argument] ?? null) as JsonObject | null
    const { value, error } = messageOf(() =>
      interpolation(entry, engine, GENERATORS)((args['params'] ?? {}) as Parameters, { remaining: 1e9 }),
    )
    return { values: { result: value }, ...(error !== undefined && { error }) }
  }
}

function runRenderTemplate({ args }: Call): Observed {
  const engine = engineOf(args)
  const preserve = isJsonObject(args['syncPolicy']) && args['syncPolicy']['preserveResourcesOnDeletion'] === true
  const template = (args['tmpl'] ?? null) as JsonObject | null
  const { value, error } = messageOf(() =>
    applicationRenderer(template, engine, preserve ? undefined : DEFAULT_FINALIZER).render(
      (args['params'] ?? {}) as Parameters,
      { remaining: 1e9 },
    ),
  )
  return { values: { result: value }, ...(error !== undefined && { error }) }
}

function runGenerateApplications({ args }: Call): Observed | Outcome {
  const document = args['applicationSetInfo'] as JsonObject
  const generators = args['g'] as JsonObject
  const renderer = args['renderer'] as JsonObject
  const refusal = renderer['$mock'] === undefined ? undefined : mockError(renderer['RenderTemplateParams'])
  if (renderer['RenderTemplateParams'] !== undefined && refusal === undefined) {
    return notApplicable('a mocked renderer: rendering is a function here, not a part that can be exchanged')
  }
  const spec = document['spec'] as unknown as ApplicationSetSpec
  const templates = mockedTemplates(generators)
  const entries = spec.generators.map(entry =>
    Object.fromEntries(
      Object.entries(entry).map(([key, body]) => [
        key,
        templates[key] ? { ...(body as JsonObject), template: templates[key] } : body,
      ]),
    ),
  )
  const engine =
    refusal === undefined
      ? engineFor(spec.goTemplate === true, [...(spec.goTemplateOptions ?? [])])
      : refusingEngine(refusal)
  const { applications, errors } = expandWith(declared(document, { ...spec, generators: entries }), NO_INPUTS, {
    engine,
    registry: registryOf(generators),
    anyName: true,
  })
  const [first] = errors
  return {
    values: {
      result0: applications.map(({ metadata, spec }) => ({ metadata, spec }) as unknown as JsonObject),
      result1: first?.reason ?? '',
    },
    ...(first !== undefined && { error: first.message }),
  }
}

const NO_INPUTS = { clusters: [], projects: [''], implicitLocalCluster: true, answer: () => undefined }

function declared(document: JsonObject, spec: ApplicationSetSpec): Declared<ApplicationSetSpec> {
  const metadata = (document['metadata'] ?? {}) as { readonly name?: string; readonly namespace?: string }
  const position = { file: '', line: 1, column: 1 }
  return {
    group: 'argoproj.io',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    name: metadata.name ?? '',
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    labels: {},
    annotations: {},
    finalizers: [],
    spec,
    document,
    source: '',
    trust: { kind: 'all' },
    index: 0,
    contentDigest: '',
    position,
    positionOf: () => position,
  }
}

/** `1h`, `12s`: the setting of the controller that a case makes. */
function configuredSeconds(environment: JsonObject | undefined): number | undefined {
  const text = String(environment?.['ARGOCD_APPLICATIONSET_CONTROLLER_REQUEUE_AFTER'] ?? '')
  const match = /^(\d+)(h|m|s)$/.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * { h: 3600, m: 60, s: 1 }[match[2] as 'h' | 'm' | 's']
}
