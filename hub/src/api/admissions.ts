import type { AccessObject } from '@flotilla/core/access/object'
import { agentObject } from '../access/objects.ts'
import type { ClusterAdmissions } from '../gateway/cluster-admissions.ts'
import { Problem } from './problem.ts'
import type { Context } from './route.ts'

/** Who decides which cluster is one of this fleet. @throws Problem `UNAVAILABLE` where nobody does. */
export function admissionsOf({ services }: Context): ClusterAdmissions {
  if (!services.admissions) throw new Problem('UNAVAILABLE')
  return services.admissions
}

/**
 * What rights on a join token, or on an agent that asks by one, are about. One without any name yet is for whoever has
 * the right on all of them.
 */
export function admissionObject(names: {
  readonly clusterName?: string
  readonly proposedName?: string
}): AccessObject {
  return agentObject(names.clusterName ?? names.proposedName ?? EVERY_CLUSTER)
}

const EVERY_CLUSTER = '*'
