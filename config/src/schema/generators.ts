import { z } from 'zod'
import { applicationSpecPart, argoApplicationSpecPart } from './application-spec.ts'
import { pullRequestFilter, pullRequestProviders, scmFilter, scmProviders } from './scm-providers.ts'
import {
  anyObject,
  anything,
  labelSelector,
  object,
  optionalFlag,
  optionalText,
  optionalTextMap,
  optionalTexts,
} from './shapes.ts'

/** The keys of a `generators` entry that make parameters, in the order in which they run (applicationsets.md 1.3). */
export const GENERATOR_KEYS = [
  'list',
  'clusters',
  'git',
  'scmProvider',
  'clusterDecisionResource',
  'pullRequest',
  'matrix',
  'merge',
  'plugin',
] as const

/** What a template may say about the Application's metadata. */
export const templateMetadata = object({
  name: optionalText,
  namespace: optionalText,
  labels: optionalTextMap,
  annotations: optionalTextMap,
  finalizers: optionalTexts,
})

const pathItems = z.array(object({ path: z.string(), exclude: optionalFlag })).optional()
const values = optionalTextMap
const requeueAfterSeconds = z.int().optional()

/** @param ours Whether the entry may hold what Argo CD lacks. */
function generatorEntry(spec: z.ZodType, ours: boolean): z.ZodType {
  const template = object({ metadata: templateMetadata.optional(), spec: spec.optional() }).optional()
  const entry: z.ZodType = object({
    list: object({
      elements: z.array(anyObject).optional(),
      elementsYaml: optionalText,
      template,
    }).optional(),
    clusters: object({ selector: labelSelector.optional(), flatList: optionalFlag, template, values }).optional(),
    git: object({
      repoURL: z.string(),
      revision: z.string(),
      directories: pathItems,
      files: pathItems,
      pathParamPrefix: optionalText,
      template,
      values,
      requeueAfterSeconds,
    }).optional(),
    scmProvider: object({
      ...scmProviders,
      filters: z.array(scmFilter).optional(),
      cloneProtocol: optionalText,
      template,
      values,
      requeueAfterSeconds,
    }).optional(),
    clusterDecisionResource: object({
      configMapRef: z.string(),
      name: optionalText,
      labelSelector: labelSelector.optional(),
      template,
      values,
      requeueAfterSeconds,
    }).optional(),
    pullRequest: object({
      ...pullRequestProviders,
      filters: z.array(pullRequestFilter).optional(),
      continueOnRepoNotFoundError: optionalFlag,
      ...(ours && { changedPaths: optionalTexts }),
      template,
      values,
      requeueAfterSeconds,
    }).optional(),
    matrix: object({ generators: z.array(z.lazy(() => entry)), template }).optional(),
    merge: object({ generators: z.array(z.lazy(() => entry)), mergeKeys: z.array(z.string()), template }).optional(),
    plugin: object({
      configMapRef: object({ name: z.string() }),
      input: object({ parameters: z.record(z.string(), anything).optional() }).optional(),
      template,
      values,
      requeueAfterSeconds,
    }).optional(),
    selector: labelSelector.optional(),
  })
  return entry
}

export const argoGeneratorEntry = generatorEntry(argoApplicationSpecPart, false)
export const generatorEntrySchema = generatorEntry(applicationSpecPart, true)
