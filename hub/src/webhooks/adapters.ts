import { azureDevOps } from './azure-devops.ts'
import { bitbucket } from './bitbucket.ts'
import type { WebhookAdapter, WebhookHeaders } from './event.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'

export const WEBHOOK_ADAPTERS: readonly WebhookAdapter[] = [github, gitlab, gitea, bitbucket, azureDevOps]

/** The host that sends requests with these headers; undefined for nobody that is known. */
export function adapterOf(headers: WebhookHeaders): WebhookAdapter | undefined {
  return WEBHOOK_ADAPTERS.find(adapter => adapter.recognises(headers))
}
