import type { PullRequestProvider, ScmProvider } from '@flotilla/generators/inputs'
import { awsCodeCommitWith } from './aws-code-commit.ts'
import { azureDevOps } from './azure-devops.ts'
import { bitbucketCloud } from './bitbucket-cloud.ts'
import { bitbucketServer } from './bitbucket-server.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import type { HostProvider } from './provider.ts'

/** The hosts of `scmProvider`, by key. */
export const SCM_HOSTS: { readonly [Name in ScmProvider]: HostProvider } = {
  github,
  gitlab,
  gitea,
  bitbucketServer,
  azureDevOps,
  bitbucket: bitbucketCloud,
  awsCodeCommit: awsCodeCommitWith(process.env),
}

/** The hosts of `pullRequest`, by key: Azure DevOps is spelled otherwise here. */
export const PULL_REQUEST_HOSTS: { readonly [Name in PullRequestProvider]: HostProvider } = {
  github,
  gitlab,
  gitea,
  bitbucketServer,
  bitbucket: bitbucketCloud,
  azuredevops: azureDevOps,
}
