import { ClusterCalendars } from '../gates/cluster-calendars.ts'
import { issueCalendar } from '../gateway/issue-documents.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** The calendars of a fleet's clusters, over what the loop knows of its Applications. */
export function calendarsOf(world: World, { keys, clock, log }: LoopServices): ClusterCalendars {
  return new ClusterCalendars({
    gates: world.gates,
    log,
    now: () => clock.now(),
    application: id => world.application(id),
    applicationsOf: ({ id, name }) => {
      const rows = world.idsOf('cluster', name).flatMap(each => world.application(each) ?? [])
      // What an earlier cluster of this name was given is another's affair.
      return rows.filter(({ clusterId }) => clusterId === undefined || clusterId === id)
    },
    issue: (writer, cluster, { until, ...content }) => {
      const horizonMs = until - content.from
      return issueCalendar(writer, keys, clock, cluster, { ...content, horizonMs, renew: true })
    },
  })
}
