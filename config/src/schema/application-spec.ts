import { z } from 'zod'
import {
  anyObject,
  object,
  optionalFlag,
  optionalText,
  optionalTextMap,
  optionalTexts,
  textOrInteger,
} from './shapes.ts'

const optionalCount = z.int().optional()

export const helm = object({
  valueFiles: optionalTexts,
  parameters: z.array(object({ name: optionalText, value: optionalText, forceString: optionalFlag })).optional(),
  fileParameters: z.array(object({ name: optionalText, path: optionalText })).optional(),
  releaseName: optionalText,
  values: optionalText,
  valuesObject: anyObject.optional(),
  version: optionalText,
  namespace: optionalText,
  kubeVersion: optionalText,
  apiVersions: optionalTexts,
  passCredentials: optionalFlag,
  ignoreMissingValueFiles: optionalFlag,
  skipCrds: optionalFlag,
  skipSchemaValidation: optionalFlag,
  skipTests: optionalFlag,
})

const kustomizeTarget = object({
  group: optionalText,
  version: optionalText,
  kind: optionalText,
  name: optionalText,
  namespace: optionalText,
  annotationSelector: optionalText,
  labelSelector: optionalText,
})

export const kustomize = object({
  namePrefix: optionalText,
  nameSuffix: optionalText,
  namespace: optionalText,
  images: optionalTexts,
  commonLabels: optionalTextMap,
  commonAnnotations: optionalTextMap,
  commonAnnotationsEnvsubst: optionalFlag,
  forceCommonLabels: optionalFlag,
  forceCommonAnnotations: optionalFlag,
  labelWithoutSelector: optionalFlag,
  labelIncludeTemplates: optionalFlag,
  replicas: z.array(object({ name: z.string(), count: textOrInteger })).optional(),
  patches: z
    .array(
      object({
        path: optionalText,
        patch: optionalText,
        target: kustomizeTarget.optional(),
        options: z.record(z.string(), z.boolean()).optional(),
      }),
    )
    .optional(),
  components: optionalTexts,
  ignoreMissingComponents: optionalFlag,
  version: optionalText,
  kubeVersion: optionalText,
  apiVersions: optionalTexts,
})

const jsonnetVariables = z.array(object({ name: z.string(), value: z.string(), code: optionalFlag })).optional()

export const directory = object({
  recurse: optionalFlag,
  include: optionalText,
  exclude: optionalText,
  jsonnet: object({ extVars: jsonnetVariables, tlas: jsonnetVariables, libs: optionalTexts }).optional(),
  disableExtensionFilter: optionalFlag,
})

export const plugin = object({
  name: optionalText,
  env: z.array(object({ name: z.string(), value: z.string() })).optional(),
  parameters: z
    .array(object({ name: optionalText, string: optionalText, map: optionalTextMap, array: optionalTexts }))
    .optional(),
})

export const source = object({
  repoURL: z.string(),
  path: optionalText,
  targetRevision: optionalText,
  chart: optionalText,
  ref: optionalText,
  name: optionalText,
  tagPrefix: optionalText,
  helm: helm.optional(),
  kustomize: kustomize.optional(),
  directory: directory.optional(),
  plugin: plugin.optional(),
})

const sourceHydrator = object({
  drySource: object({
    repoURL: z.string(),
    targetRevision: z.string(),
    path: z.string(),
    helm: helm.optional(),
    kustomize: kustomize.optional(),
    directory: directory.optional(),
    plugin: plugin.optional(),
  }),
  syncSource: object({ targetBranch: z.string(), path: z.string(), repoURL: optionalText }),
  hydrateTo: object({ targetBranch: z.string() }).optional(),
})

export const destination = object({ server: optionalText, name: optionalText, namespace: optionalText })

export const syncPolicy = object({
  automated: object({
    prune: optionalFlag,
    selfHeal: optionalFlag,
    allowEmpty: optionalFlag,
    enabled: optionalFlag,
  }).optional(),
  syncOptions: optionalTexts,
  retry: object({
    limit: optionalCount,
    refresh: optionalFlag,
    backoff: object({ duration: optionalText, factor: optionalCount, maxDuration: optionalText }).optional(),
  }).optional(),
  managedNamespaceMetadata: object({ labels: optionalTextMap, annotations: optionalTextMap }).optional(),
})

const ignoreFields = {
  group: optionalText,
  kind: z.string(),
  name: optionalText,
  namespace: optionalText,
  jsonPointers: optionalTexts,
  jqPathExpressions: optionalTexts,
  managedFieldsManagers: optionalTexts,
}

/** Argo CD's Application spec, every field of it. */
const argoFields = {
  project: z.string(),
  source: source.optional(),
  sources: z.array(source).optional(),
  sourceHydrator: sourceHydrator.optional(),
  destination,
  syncPolicy: syncPolicy.optional(),
  ignoreDifferences: z.array(object(ignoreFields)).optional(),
  info: z.array(object({ name: z.string(), value: z.string() })).optional(),
  revisionHistoryLimit: optionalCount,
}

/** What our Application has and Argo CD's has not. */
const additions = { deletion: z.enum(['prune', 'detach']).optional() }
/** With tests in CEL, and what a sync does with the fields. */
const ourIgnoreDifferences = z
  .array(
    object({ ...ignoreFields, celExpressions: optionalTexts, onSync: z.enum(['respect', 'overwrite']).optional() }),
  )
  .optional()
const ours = { ...additions, ignoreDifferences: ourIgnoreDifferences }
export const APPLICATION_ADDITIONS: readonly string[] = Object.keys(additions)

export const argoApplicationSpec = object(argoFields)
export const applicationSpec = object({ ...argoFields, ...ours })

/** The template of a set of ours: the set may carry the project instead. */
export const applicationSpecOfSet = object({ ...argoFields, ...ours, project: optionalText })

/** A template beside a generator overrides single fields, so nothing in it is required. */
const sparse = {
  project: optionalText,
  destination: destination.optional(),
  source: source.partial().optional(),
  sources: z.array(source.partial()).optional(),
}
export const argoApplicationSpecPart = object({ ...argoFields, ...sparse })
export const applicationSpecPart = object({ ...argoFields, ...ours, ...sparse })
