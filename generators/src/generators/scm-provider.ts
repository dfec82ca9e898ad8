import type { Generator } from './generator.ts'

/** Repositories of an organisation, group or project at a Git host (applicationsets.md 9.7). */
export const scmProvider: Generator = {
  key: 'scmProvider',
  fields: [
    ...['github', 'gitlab', 'gitea', 'bitbucketServer', 'azureDevOps', 'bitbucket', 'awsCodeCommit'],
    ...['filters', 'cloneProtocol', 'requeueAfterSeconds', 'template', 'values'],
  ],
  defaultRequeueSeconds: 1800,
}
