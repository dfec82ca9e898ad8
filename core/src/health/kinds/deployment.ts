import { numberAt, numberIfAny, valueAt } from '../../json/read-json.ts'
import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const deploymentHealth: HealthRule = object => {
  if (valueAt(object, 'spec', 'paused') === true) return health('Suspended', 'Deployment is paused')
  if (numberAt(object, 'metadata', 'generation') > numberAt(object, 'status', 'observedGeneration')) {
    return waiting('observed deployment generation less than desired generation')
  }
  const updated = numberAt(object, 'status', 'updatedReplicas')
  const replicas = numberAt(object, 'status', 'replicas')
  const available = numberAt(object, 'status', 'availableReplicas')
  const wanted = numberIfAny(object, 'spec', 'replicas')
  if (
    conditionsOf(object).some(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded')
  ) {
    return health('Degraded', `Deployment "${object.metadata.name ?? ''}" exceeded its progress deadline`)
  }
  if (wanted !== undefined && updated < wanted) {
    return waiting(`${updated} out of ${wanted} new replicas have been updated...`)
  }
  if (replicas > updated) return waiting(`${replicas - updated} old replicas are pending termination...`)
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available...`)
  return health('Healthy')
}

function waiting(what: string) {
  return health('Progressing', `Waiting for rollout to finish: ${what}`)
}
