import type { SyncIntent } from '@flotilla/core/plan/plan-sync'
import type { OfferPayload, TombstonePayload } from '@flotilla/core/protocol/documents'
import type { KubernetesClient } from './kubernetes/client.ts'

/**
 * The client that an Application's changes are made with: the Project's service account where it names one, so that
 * nobody gets more done through the agent than that account may.
 *
 * @throws KubernetesError `FORBIDDEN` when the account's name is none.
 */
export function writerOf(client: KubernetesClient, { request }: SyncIntent): KubernetesClient {
  const { serviceAccount } = request.ceiling
  return serviceAccount === undefined ? client : client.as(serviceAccount)
}

/** The same for what is offered or withdrawn, whatever was looked at. @throws KubernetesError as {@link writerOf} */
export function writerFor(
  client: KubernetesClient,
  document: OfferPayload | TombstonePayload | undefined,
): KubernetesClient {
  const account = document?.typ === 'offer' ? document.ceiling.serviceAccount : document?.serviceAccount
  return account === undefined ? client : client.as(account)
}
