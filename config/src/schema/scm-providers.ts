import { z } from 'zod'
import { object, optionalFlag, optionalText, optionalTexts } from './shapes.ts'

const secretRef = object({ secretName: z.string(), key: z.string() })
const configMapKeyRef = object({ configMapName: z.string(), key: z.string() })
const basicAuth = object({ username: z.string(), passwordRef: secretRef })
const bearerToken = object({ tokenRef: secretRef })
const token = { api: optionalText, tokenRef: secretRef.optional() }
const insecure = optionalFlag
const caRef = configMapKeyRef.optional()
const allBranches = optionalFlag

/** The providers of `scmProvider`, by key (applicationsets.md 1.3). Mind the spelling `azureDevOps`. */
export const scmProviders = {
  github: object({
    organization: z.string(),
    ...token,
    appSecretName: optionalText,
    allBranches,
    excludeArchivedRepos: optionalFlag,
  }).optional(),
  gitlab: object({
    group: z.string(),
    ...token,
    includeSubgroups: optionalFlag,
    includeSharedProjects: optionalFlag,
    includeArchivedRepos: optionalFlag,
    topic: optionalText,
    allBranches,
    insecure,
    caRef,
  }).optional(),
  gitea: object({
    owner: z.string(),
    api: z.string(),
    tokenRef: secretRef.optional(),
    allBranches,
    insecure,
    excludeArchivedRepos: optionalFlag,
  }).optional(),
  bitbucketServer: object({
    project: z.string(),
    api: z.string(),
    basicAuth: basicAuth.optional(),
    bearerToken: bearerToken.optional(),
    allBranches,
    insecure,
    caRef,
  }).optional(),
  azureDevOps: object({
    organization: z.string(),
    teamProject: z.string(),
    accessTokenRef: secretRef,
    api: optionalText,
    allBranches,
  }).optional(),
  bitbucket: object({ owner: z.string(), user: z.string(), appPasswordRef: secretRef, allBranches }).optional(),
  awsCodeCommit: object({
    tagFilters: z.array(object({ key: z.string(), value: optionalText })).optional(),
    role: optionalText,
    region: optionalText,
    allBranches,
  }).optional(),
}

export const scmFilter = object({
  repositoryMatch: optionalText,
  labelMatch: optionalText,
  branchMatch: optionalText,
  pathsExist: optionalTexts,
  pathsDoNotExist: optionalTexts,
})

/** The providers of `pullRequest`, by key. Here Azure is spelled `azuredevops`. */
export const pullRequestProviders = {
  github: object({
    owner: z.string(),
    repo: z.string(),
    ...token,
    appSecretName: optionalText,
    labels: optionalTexts,
  }).optional(),
  gitlab: object({
    project: z.string(),
    ...token,
    labels: optionalTexts,
    pullRequestState: optionalText,
    insecure,
    caRef,
  }).optional(),
  gitea: object({
    owner: z.string(),
    repo: z.string(),
    api: z.string(),
    tokenRef: secretRef.optional(),
    insecure,
    labels: optionalTexts,
  }).optional(),
  bitbucketServer: object({
    project: z.string(),
    repo: z.string(),
    api: z.string(),
    basicAuth: basicAuth.optional(),
    bearerToken: bearerToken.optional(),
    insecure,
    caRef,
  }).optional(),
  bitbucket: object({
    owner: z.string(),
    repo: z.string(),
    api: optionalText,
    basicAuth: basicAuth.optional(),
    bearerToken: bearerToken.optional(),
  }).optional(),
  azuredevops: object({
    organization: z.string(),
    project: z.string(),
    repo: z.string(),
    ...token,
    labels: optionalTexts,
  }).optional(),
}

export const pullRequestFilter = object({
  branchMatch: optionalText,
  targetBranchMatch: optionalText,
  titleMatch: optionalText,
})
