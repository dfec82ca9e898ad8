import { listAt, textAt, valueAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const cronJobHealth: HealthRule = object => {
  // Suspended on purpose is not a state that anybody waits for, so it does not hold a sync up.
  if (valueAt(object, 'spec', 'suspend') === true) return health('Healthy', 'CronJob is Suspended')
  if (valueAt(object, 'status') === undefined) return health('Progressing', 'Waiting for CronJob')
  const scheduled = textAt(object, 'status', 'lastScheduleTime')
  if (scheduled === '') return health('Healthy', 'CronJob has not been scheduled yet')
  const succeeded = textAt(object, 'status', 'lastSuccessfulTime')
  if (succeeded === '') return health('Healthy', 'The CronJob never completed successfully. It may not be healthy')
  if (listAt(object, 'status', 'active').length > 0) {
    return health('Healthy', 'The job is running. Its last execution may not have been successful')
  }
  // Both are RFC 3339 in UTC, so the order of the texts is the order of the times.
  return succeeded < scheduled
    ? health('Degraded', 'CronJob has not completed its last execution successfully')
    : health('Healthy', 'CronJob has completed its last execution successfully')
}
