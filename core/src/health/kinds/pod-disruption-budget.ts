import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const podDisruptionBudgetHealth: HealthRule = object => {
  const conditions = conditionsOf(object)
  const last = conditions.at(-1)
  if (!last) return health('Progressing', 'Waiting for status')
  const wrong = conditions.find(({ status, reason }) => status === 'False' && reason !== 'InsufficientPods')
  if (wrong) return health('Degraded', `PodDisruptionBudget has ${wrong.reason}`)
  return health('Healthy', `PodDisruptionBudget has ${last.reason}`)
}
