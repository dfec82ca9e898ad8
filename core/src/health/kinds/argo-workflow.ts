import { textAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const argoWorkflowHealth: HealthRule = object => {
  const message = textAt(object, 'status', 'message')
  switch (textAt(object, 'status', 'phase')) {
    case '':
    case 'Pending':
    case 'Running':
      return health('Progressing', message)
    case 'Succeeded':
      return health('Healthy', message)
    case 'Failed':
    case 'Error':
      return health('Degraded', message)
    default:
      return health('Unknown', message)
  }
}
