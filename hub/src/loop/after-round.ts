import type { ApplicationsRound } from './reconcile-applications.ts'
import type { Announcements } from './services.ts'
import type { WorkQueue } from './work-queue.ts'

/** Tells what a look at Applications has written, and has looked at again what it said. */
export function afterRound(
  round: Pick<ApplicationsRound, 'changed' | 'clusterIds' | 'lookAgain' | 'again' | 'rulesOutdated'>,
  queue: Pick<WorkQueue, 'add' | 'addAt'>,
  announce: Announcements,
): void {
  if (round.changed.length > 0) announce.applications(round.changed)
  if (round.clusterIds.size > 0) announce.documents([...round.clusterIds])
  for (const [id, at] of round.lookAgain) queue.addAt(`application/${id}`, at)
  if (round.rulesOutdated) queue.add('gates/stored')
  queue.add(...round.again.map(id => `application/${id}`))
}
