import { listAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const ingressHealth: HealthRule = (object, { ignoreIngressAddress = false }) => {
  const hasAddress = listAt(object, 'status', 'loadBalancer', 'ingress').length > 0
  return health(hasAddress || ignoreIngressAddress ? 'Healthy' : 'Progressing')
}
