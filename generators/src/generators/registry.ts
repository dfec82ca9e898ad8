import { clusters } from './clusters.ts'
import type { Generator, GeneratorRegistry } from './generator.ts'
import { git } from './git.ts'
import { list } from './list.ts'
import { matrix } from './matrix.ts'
import { merge } from './merge.ts'

const REQUEUE = ['requeueAfterSeconds', 'template', 'values']

const scmProvider: Generator = {
  key: 'scmProvider',
  fields: [
    ...['github', 'gitlab', 'gitea', 'bitbucketServer', 'azureDevOps', 'bitbucket', 'awsCodeCommit'],
    ...['filters', 'cloneProtocol', ...REQUEUE],
  ],
  defaultRequeueSeconds: 1800,
}

const clusterDecisionResource: Generator = {
  key: 'clusterDecisionResource',
  fields: ['configMapRef', 'name', 'labelSelector', ...REQUEUE],
  defaultRequeueSeconds: 'configured',
}

const pullRequest: Generator = {
  key: 'pullRequest',
  fields: [
    ...['github', 'gitlab', 'gitea', 'bitbucketServer', 'bitbucket', 'azuredevops'],
    ...['filters', 'continueOnRepoNotFoundError', ...REQUEUE],
  ],
  defaultRequeueSeconds: 1800,
}

const plugin: Generator = {
  key: 'plugin',
  fields: ['configMapRef', 'input', ...REQUEUE],
  defaultRequeueSeconds: 1800,
}

/**
 * Every generator of Argo CD by its key, in the order in which several of one entry run. One without `generate` is
 * known and not built yet.
 */
export const GENERATORS: GeneratorRegistry = new Map(
  [list, clusters, git, scmProvider, clusterDecisionResource, pullRequest, matrix, merge, plugin].map(generator => [
    generator.key,
    generator,
  ]),
)
