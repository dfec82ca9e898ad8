import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const apiServiceHealth: HealthRule = object => {
  const available = conditionsOf(object).find(({ type }) => type === 'Available')
  if (!available) return health('Progressing', 'Waiting to be processed')
  const message = `${available.reason}: ${available.message}`
  return health(available.status === 'True' ? 'Healthy' : 'Progressing', message)
}
