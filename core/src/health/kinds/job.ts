import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

/**
 * Argo CD looks at the conditions' types and not at their status, so that a Job that was resumed (`Suspended=False`)
 * is Healthy while it still runs. Ours asks for `True`, unless the strict reading is wanted.
 */
export const jobHealth: HealthRule = (object, { strictArgo = false }) => {
  let done = false
  let failed = false
  let suspended = false
  let failedMessage = ''
  let message = ''
  for (const condition of conditionsOf(object)) {
    if (!strictArgo && condition.status !== 'True') continue
    if (condition.type === 'Failed') {
      done = true
      failed = true
      failedMessage = condition.message
    } else if (condition.type === 'Complete') {
      done = true
      message = condition.message
    } else if (condition.type === 'Suspended') {
      done = true
      message = condition.message
      suspended ||= condition.status === 'True'
    }
  }
  if (!done) return health('Progressing', message)
  if (failed) return health('Degraded', failedMessage)
  return health(suspended ? 'Suspended' : 'Healthy', message)
}
