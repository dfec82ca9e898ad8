import { numberAt, textAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const daemonSetHealth: HealthRule = object => {
  if (numberAt(object, 'metadata', 'generation') > numberAt(object, 'status', 'observedGeneration')) {
    const message = 'Waiting for rollout to finish: observed daemon set generation less than desired generation'
    return health('Progressing', message)
  }
  const desired = numberAt(object, 'status', 'desiredNumberScheduled')
  const updated = numberAt(object, 'status', 'updatedNumberScheduled')
  const available = numberAt(object, 'status', 'numberAvailable')
  if (textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') {
    return health('Healthy', `daemon set ${updated} out of ${desired} new pods have been updated`)
  }
  const waiting = `Waiting for daemon set "${object.metadata.name ?? ''}" rollout to finish:`
  if (updated < desired) {
    return health('Progressing', `${waiting} ${updated} out of ${desired} new pods have been updated...`)
  }
  if (available < desired) {
    return health('Progressing', `${waiting} ${available} of ${desired} updated pods are available...`)
  }
  return health('Healthy')
}
