import type { Hold } from '@flotilla/core/model/hold'
import type { ClusterRow } from '@flotilla/core/ports/store'

/** Nothing new starts while two agents speak for one cluster: nobody knows which of the two would do it. */
export function cloneHold({ name, cloned }: ClusterRow): Hold | undefined {
  if (!cloned) return undefined
  const reason =
    `two agents speak for "${name}"; give the right one a new join token (flotilla cluster join-token --cluster ${name}) ` +
    `and then: flotilla cluster approve ${name} --replace`
  return { code: 'CLUSTER_CLONED', reason }
}
