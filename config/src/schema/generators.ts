import type { ApiGroup } from '@flotilla/core/model/application'
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
const ARGO_GENERATOR_KEYS = [
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

/** Argo CD's and our own. */
export const GENERATOR_KEYS = [...ARGO_GENERATOR_KEYS, 'union'] as const

export function generatorKeysOf(group: ApiGroup): readonly (typeof GENERATOR_KEYS)[number][] {
  return group === 'argoproj.io' ? ARGO_GENERATOR_KEYS : GENERATOR_KEYS
}

/** What generator entries have under flotilla.dev alone, as `checkDocument` names it in its hints. */
export const GENERATOR_ADDITIONS: readonly string[] = [
  'union',
  'matrix.generators.*.name',
  'merge.generators.*.name',
  'matrix.join',
  'merge.join',
  'merge.onConflict',
  'git.repositories',
  'pullRequest.changedPaths',
  'generators.*.when',
]

/** `when:` of a set or an entry: an expression, or true or false itself. */
export const condition = z
  .union([z.string(), z.boolean()], { error: 'must be an expression in a text, or true or false' })
  .optional()

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

const mergeKeySides = object({ left: z.string(), right: z.string() })
const ourMerge = {
  mergeKeys: z.array(z.union([z.string(), mergeKeySides], { error: 'must be text or { left: text, right: text }' })),
  join: z.enum(['left', 'inner', 'full']).optional(),
  onConflict: z.enum(['last', 'first', 'error']).optional(),
}
const ourMatrix = { join: z.enum(['inner', 'left']).optional() }
const dedupeKey = z.union([z.string(), z.array(z.string())], { error: 'must be text or a list of texts' }).optional()
const repository = { repoURL: z.string(), revision: z.string() }
const repositories = z.array(object({ repoURL: z.string(), revision: optionalText })).optional()

/** @param ours Whether the entry may hold what Argo CD lacks. */
function generatorEntry(spec: z.ZodType, ours: boolean): z.ZodType {
  // Combinators may stand in combinators, so that the schema refers to itself.
  const generators = z.array(z.lazy((): z.ZodType => child))
  const template = object({ metadata: templateMetadata.optional(), spec: spec.optional() }).optional()
  const shape = {
    list: object({
      elements: z.array(anyObject).optional(),
      elementsYaml: optionalText,
      template,
    }).optional(),
    clusters: object({ selector: labelSelector.optional(), flatList: optionalFlag, template, values }).optional(),
    git: object({
      ...(ours ? { repoURL: optionalText, revision: optionalText, repositories } : repository),
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
    matrix: object({ generators, ...(ours && ourMatrix), template }).optional(),
    merge: object({ generators, ...(ours ? ourMerge : { mergeKeys: z.array(z.string()) }), template }).optional(),
    ...(ours && { union: object({ generators, dedupeKey, template }).optional() }),
    plugin: object({
      configMapRef: object({ name: z.string() }),
      input: object({ parameters: z.record(z.string(), anything).optional() }).optional(),
      template,
      values,
      requeueAfterSeconds,
    }).optional(),
    selector: labelSelector.optional(),
    ...(ours && { when: condition }),
  }
  const entry: z.ZodType = object(shape)
  const child: z.ZodType = ours ? object({ ...shape, name: optionalText }) : entry
  return entry
}

export const argoGeneratorEntry = generatorEntry(argoApplicationSpecPart, false)
export const generatorEntrySchema = generatorEntry(applicationSpecPart, true)
