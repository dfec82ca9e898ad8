import { numberAt, numberIfAny } from '../../json/read-json.ts'
import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const replicaSetHealth: HealthRule = object => {
  if (numberAt(object, 'metadata', 'generation') > numberAt(object, 'status', 'observedGeneration')) {
    const message = 'Waiting for rollout to finish: observed replica set generation less than desired generation'
    return health('Progressing', message)
  }
  const failure = conditionsOf(object).find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  if (failure) return health('Degraded', failure.message)
  const wanted = numberIfAny(object, 'spec', 'replicas')
  const available = numberAt(object, 'status', 'availableReplicas')
  if (wanted !== undefined && available < wanted) {
    const message = `Waiting for rollout to finish: ${available} out of ${wanted} new replicas are available...`
    return health('Progressing', message)
  }
  return health('Healthy')
}
