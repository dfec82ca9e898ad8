import { valueAt } from '../../json/read-json.ts'
import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const customResourceDefinitionHealth: HealthRule = (object, { strictArgo = false }) => {
  if (object.metadata.deletionTimestamp !== undefined) return health('Progressing', 'CRD is terminating')
  if (strictArgo && valueAt(object, 'status') === undefined) {
    return health('Unknown', 'the definition has no status yet')
  }
  const conditions = conditionsOf(object)
  if (conditions.length === 0) return health('Progressing', 'Status conditions not found')
  let established = false
  for (const { type, status, reason, message } of conditions) {
    if (type === 'Terminating' && status === 'True') return health('Progressing', `CRD is terminating: ${message}`)
    if (type === 'NamesAccepted' && status === 'False') {
      return health('Degraded', `CRD names have not been accepted: ${message}`)
    }
    if (type === 'NonStructuralSchema' && status === 'True') {
      return health('Degraded', `Schema violations found: ${message}`)
    }
    if (type === 'Established') {
      if (status === 'True') established = true
      else if (reason === 'Installing') return health('Progressing', 'CRD is being installed')
    }
  }
  return established ? health('Healthy', 'CRD is healthy') : health('Degraded', 'CRD is not established')
}
