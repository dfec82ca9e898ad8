import type { Generator } from './generator.ts'

/** Pull requests of one repository at a Git host (applicationsets.md 9.8). */
export const pullRequest: Generator = {
  key: 'pullRequest',
  fields: [
    ...['github', 'gitlab', 'gitea', 'bitbucketServer', 'bitbucket', 'azuredevops'],
    ...['filters', 'continueOnRepoNotFoundError', 'requeueAfterSeconds', 'template', 'values'],
  ],
  defaultRequeueSeconds: 1800,
}
