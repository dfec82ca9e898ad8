import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { ApplicationRow, DocumentRow } from '@flotilla/core/ports/store'
import { DEFAULT_PROJECT, DEFAULT_PROJECT_SPEC } from '@flotilla/core/project/default-project'
import { type ServiceAccountChoice, serviceAccountFor } from '@flotilla/core/project/service-account'
import { readJws } from '@flotilla/core/protocol/jws'
import type { World } from './world.ts'

/**
 * Whose rights the objects of a withdrawn Application are removed with: those that the Project would be applied with
 * now, as for any other change of its. Where the Project or the Cluster is not known any more, those that the objects
 * were applied with. Never more than that: an account that is missing is a mistake, and no reason for the agent's own.
 *
 * @param current What is in force of the Application in its cluster.
 */
export function removalAccount(
  row: Pick<ApplicationRow, 'project' | 'clusterName' | 'namespace'>,
  world: Pick<World, 'fleet' | 'projectsLastSeen'>,
  current: DocumentRow | undefined,
): ServiceAccountChoice {
  const { project: name, clusterName, namespace } = row
  const spec =
    world.fleet.projects.get(name)?.spec ??
    world.projectsLastSeen.get(name) ??
    (name === DEFAULT_PROJECT ? DEFAULT_PROJECT_SPEC : undefined)
  const cluster = world.fleet.clusters.get(clusterName)
  if (!spec || !cluster) return appliedAs(current)
  const { destinationServiceAccounts: accounts = [], impersonation } = spec
  return serviceAccountFor({ accounts, required: impersonation === 'required' }, cluster.servers, namespace)
}

/** The account of the current Offer or Tombstone. It was signed here, so its signature is not asked again. */
export function appliedAs(current: DocumentRow | undefined): ServiceAccountChoice {
  const read = current && readJws(current.jws)
  const payload: Json = read?.kind === 'unverified' ? (read.payload as Json) : {}
  if (!isJsonObject(payload)) return { kind: 'none' }
  const user = textAt(payload, 'serviceAccount') || textAt(payload, 'ceiling', 'serviceAccount')
  return user === '' ? { kind: 'none' } : { kind: 'account', user }
}
