import { MOST_ORPHAN_IGNORES } from '@flotilla/core/orphans/orphan-rules'
import { z } from 'zod'
import { deletionBudget } from './deletion-budget.ts'
import { anything, documentOf, object, optionalFlag, optionalText, optionalTexts } from './shapes.ts'

const kindRule = object({ group: z.string(), kind: z.string(), name: optionalText })
const kindRules = z.array(kindRule).optional()

export const syncWindow = object({
  kind: optionalText,
  schedule: optionalText,
  duration: optionalText,
  applications: optionalTexts,
  namespaces: optionalTexts,
  clusters: optionalTexts,
  manualSync: optionalFlag,
  timeZone: optionalText,
  andOperator: optionalFlag,
  syncOverrun: optionalFlag,
  description: optionalText,
})

/** Argo CD has written the patterns as plain texts, and since as objects. */
const gitIntegrity = object({
  policies: z
    .array(
      object({
        repos: z.array(z.union([z.string(), object({ url: z.string() })], { error: 'must be a text or {url: …}' })),
        gpg: object({ mode: z.enum(['none', 'head', 'strict']), keys: optionalTexts }),
      }),
    )
    .optional(),
})

/** Argo CD's AppProject spec, every field of it. */
const argoFields = {
  description: optionalText,
  sourceRepos: optionalTexts,
  destinations: z.array(object({ server: optionalText, name: optionalText, namespace: optionalText })).optional(),
  clusterResourceWhitelist: kindRules,
  clusterResourceBlacklist: kindRules,
  namespaceResourceWhitelist: kindRules,
  namespaceResourceBlacklist: kindRules,
  roles: z
    .array(
      object({
        name: z.string(),
        description: optionalText,
        policies: optionalTexts,
        groups: optionalTexts,
        jwtTokens: z.array(object({ iat: z.int(), exp: z.int().optional(), id: optionalText })).optional(),
      }),
    )
    .optional(),
  orphanedResources: object({
    warn: optionalFlag,
    ignore: z
      .array(object({ group: optionalText, kind: optionalText, name: optionalText }))
      .max(MOST_ORPHAN_IGNORES)
      .optional(),
  }).optional(),
  syncWindows: z.array(syncWindow).optional(),
  signatureKeys: z.array(object({ keyID: z.string() })).optional(),
  sourceIntegrity: object({
    git: gitIntegrity.optional(),
    helm: anything.optional(),
    oci: anything.optional(),
  }).optional(),
  sourceNamespaces: optionalTexts,
  permitOnlyProjectScopedClusters: optionalFlag,
  destinationServiceAccounts: z
    .array(object({ server: optionalText, namespace: optionalText, defaultServiceAccount: z.string() }))
    .optional(),
}

/** What our Project has and Argo CD's AppProject has not. */
const additions = {
  impersonation: z.enum(['required']).optional(),
  allowedNamespaceMetadata: optionalTexts,
  deletionBudget: deletionBudget.optional(),
}
export const PROJECT_ADDITIONS: readonly string[] = Object.keys(additions)

export const argoProjectDocument = documentOf('argoproj.io/v1alpha1', 'AppProject', object(argoFields))
export const projectDocument = documentOf('flotilla.dev/v1alpha1', 'Project', object({ ...argoFields, ...additions }))
