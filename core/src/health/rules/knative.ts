import type { Json } from '../../json/json.ts'
import { listAt, textAt, valueAt } from '../../json/read-json.ts'
import { plainText } from '../data-rule.ts'
import { type HealthRule, health } from '../health-rule.ts'
import { coded, type ShippedRule } from './parts.ts'

const serviceHealth: HealthRule = object => {
  const conditions = listAt(object, 'status', 'conditions')
  const said = (status: string) => conditions.filter(one => textAt(one, 'status') === status)
  const message = conditions
    .filter(one => textAt(one, 'status') === 'False' || textAt(one, 'status') === 'Unknown')
    .map(one => {
      const reason = textAt(one, 'reason')
      const text = textAt(one, 'message')
      return `${textAt(one, 'type')} is ${textAt(one, 'status')}${reason && `, since ${reason}.`}${text && ` ${text}`}\n`
    })
    .join('')
  if (said('False').length > 0) return health('Degraded', message)
  const good = said('True').filter(one => ['ConfigurationsReady', 'RoutesReady', 'Ready'].includes(textAt(one, 'type')))
  if (said('Unknown').length === 0 && good.length === 3) return health('Healthy', 'Knative Service is healthy.')
  return health(
    'Progressing',
    Array.isArray(valueAt(object, 'status', 'conditions')) ? message : 'Waiting for status update.',
  )
}

/** The operator's kinds: every good condition must be True, and one that is not says what is missing. */
function installedHealth(name: string, good: readonly string[], waitsForFalse: readonly string[]): HealthRule {
  return object => {
    const conditions = listAt(object, 'status', 'conditions')
    if (!Array.isArray(valueAt(object, 'status', 'conditions'))) return health('Progressing', `Waiting for ${name}`)
    const message = conditions
      .map((one, index) => `${index + 1}: ${textAt(one, 'type')} | ${textAt(one, 'status')}\n`)
      .join('')
    const waiting = conditions.some(one => {
      const status = textAt(one, 'status')
      return status === 'Unknown' || (status === 'False' && waitsForFalse.includes(textAt(one, 'type')))
    })
    if (waiting) return health('Progressing', message)
    const held = good.every(type =>
      conditions.some(one => textAt(one, 'type') === type && textAt(one, 'status') === 'True'),
    )
    return held ? health('Healthy', `${name} is healthy.`) : health('Degraded', message)
  }
}

/** KServe: the model's transition as line 0, then each condition that is not True by its place. */
const inferenceHealth: HealthRule = object => {
  const conditions = listAt(object, 'status', 'conditions')
  const transition = textAt(object, 'status', 'modelStatus', 'transitionStatus')
  if (!Array.isArray(valueAt(object, 'status', 'conditions')))
    return health('Progressing', 'Waiting for InferenceService to report status...')
  if (conditions.some(one => textAt(one, 'type') === 'Stopped' && textAt(one, 'status') === 'True')) {
    return health('Suspended', 'InferenceService is Stopped')
  }
  const unready = conditions
    .map((one, index) => ({ one, index }))
    .filter(({ one }) => textAt(one, 'type') !== 'Stopped' && textAt(one, 'status') !== 'True')
  const moving = transition !== '' && transition !== 'UpToDate'
  const message = [
    ...(moving ? [`0: transitionStatus | ${transition}`] : []),
    ...unready.map(({ one, index }) => `${index + 1}: ${partsOf(one).join(' | ')}`),
  ].join(' | ')
  const failed = unready.some(({ one }) => textAt(one, 'status') === 'False')
  if (failed || transition === 'BlockedByFailedLoad' || transition === 'InvalidSpec') return health('Degraded', message)
  if (unready.length > 0 || moving) return health('Progressing', message)
  return health('Healthy', 'InferenceService is healthy.')
}

function partsOf(one: Json): string[] {
  return ['type', 'status', 'reason', 'message']
    .map(field => plainText(valueAt(one, field)))
    .filter(text => text !== '')
}

/** Knative and KServe, whose messages list several conditions. */
export const knativeRules: readonly ShippedRule[] = [
  coded('serving.knative.dev/Service', serviceHealth),
  coded(
    'operator.knative.dev/KnativeServing',
    installedHealth(
      'KnativeServing',
      ['Ready', 'InstallSucceeded', 'DependenciesInstalled', 'DeploymentsAvailable'],
      ['Ready', 'DeploymentsAvailable'],
    ),
  ),
  coded(
    'operator.knative.dev/KnativeEventing',
    installedHealth('KnativeEventing', ['Ready', 'InstallSucceeded'], ['Ready']),
  ),
  coded('serving.kserve.io/InferenceService', inferenceHealth),
]
