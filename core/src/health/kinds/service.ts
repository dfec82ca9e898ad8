import { listAt, textAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const serviceHealth: HealthRule = object => {
  const waits =
    textAt(object, 'spec', 'type') === 'LoadBalancer' &&
    listAt(object, 'status', 'loadBalancer', 'ingress').length === 0
  return health(waits ? 'Progressing' : 'Healthy')
}
