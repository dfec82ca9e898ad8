import { listAt, textAt, valueAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'
import { coded, condition, equals, MESSAGE, not, present, rule, type ShippedRule, stale } from './parts.ts'

const configurationPolicy: HealthRule = object => {
  const compliant = valueAt(object, 'status', 'compliant')
  if (compliant === undefined) return health('Progressing', 'Waiting for the status to be reported')
  const evaluated = valueAt(object, 'status', 'lastEvaluatedGeneration')
  if (evaluated !== valueAt(object, 'metadata', 'generation')) {
    return health('Progressing', 'Waiting for the status to be updated')
  }
  const details = valueAt(object, 'status', 'compliancyDetails')
  if (!Array.isArray(details)) return health('Progressing', 'Waiting for compliance')
  const messages = details.flatMap(detail =>
    listAt(detail, 'conditions')
      .filter(one => textAt(one, 'type') !== '' && typeof valueAt(one, 'message') === 'string')
      .map(one => `${textAt(one, 'type')} - ${textAt(one, 'message')}`),
  )
  return health(compliant === 'Compliant' ? 'Healthy' : 'Degraded', messages.join('; '))
}

const policy: HealthRule = object => {
  if (valueAt(object, 'spec', 'disabled') === true) return health('Healthy', 'Policy is disabled')
  const compliant = valueAt(object, 'status', 'compliant')
  const clusters = valueAt(object, 'status', 'status')
  if (compliant === undefined) {
    return clusters === undefined && listAt(object, 'status', 'placement').length > 0
      ? health('Healthy', 'No clusters match this policy')
      : health('Progressing', 'Waiting for the status to be reported')
  }
  const status = compliant === 'Compliant' ? 'Healthy' : 'Degraded'
  const bad = (path: string) =>
    listAt(object, 'status', path).filter(entry => textAt(entry, 'compliant') !== 'Compliant')
  if (clusters !== undefined) {
    const names = bad('status').map(entry => textAt(entry, 'clustername'))
    return health(
      status,
      names.length === 0 ? 'All clusters are compliant' : `NonCompliant clusters: ${names.join(', ')}`,
    )
  }
  if (valueAt(object, 'status', 'details') === undefined) return health(status)
  const names = bad('details').map(entry => textAt(entry, 'templateMeta', 'name'))
  return health(
    status,
    names.length === 0 ? 'All templates are compliant' : `NonCompliant templates: ${names.join(', ')}`,
  )
}

/** Every cluster that the binding names must have reported, and none of them badly. */
const binding: HealthRule = object => {
  const clusters = listAt(object, 'spec', 'clusters')
  const reports = listAt(object, 'status', 'aggregatedStatus')
  if (clusters.length === 0 || clusters.length !== reports.length) {
    return health('Progressing', 'Current resource status is insufficient')
  }
  const bad = reports.some(report => {
    const said = textAt(report, 'health')
    return said === 'Unhealthy' || (said === 'Unknown' && valueAt(report, 'applied') !== true)
  })
  return bad ? health('Degraded', 'Current resource status is unhealthy') : health('Healthy')
}

const PENDING_STATES = ['', 'UpgradeAvailable', 'UpgradePending']
const FAILED_STATES = ['UpgradeFailed']
const DEGRADING = ['CatalogSourcesUnhealthy', 'InstallPlanFailed', 'ResolutionFailed']

const subscription: HealthRule = object => {
  const conditions = listAt(object, 'status', 'conditions')
  const state = textAt(object, 'status', 'state')
  const lines = conditions.map((one, index) => `${index + 1}: ${textAt(one, 'type')} | ${textAt(one, 'status')}\n`)
  const message = `${lines.join('')}${state === '' ? '.status.state not yet known\n' : `.status.state is '${state}'\n`}`
  const isTrue = (types: readonly string[]) =>
    conditions.some(one => types.includes(textAt(one, 'type')) && textAt(one, 'status') === 'True')
  const planMissing = conditions.some(
    one =>
      textAt(one, 'type') === 'InstallPlanMissing' &&
      textAt(one, 'status') === 'True' &&
      textAt(one, 'reason') !== 'ReferencedInstallPlanNotFound',
  )
  if (isTrue(DEGRADING) || planMissing || FAILED_STATES.includes(state)) return health('Degraded', message)
  // Who approves by hand has decided that an upgrade may wait; the installation itself must not.
  const manual = textAt(object, 'spec', 'installPlanApproval') === 'Manual'
  const installed = textAt(object, 'status', 'installedCSV') !== ''
  if (manual && installed && conditions.some(awaitsApproval)) return health('Healthy', message)
  if (isTrue(['InstallPlanPending']) || PENDING_STATES.includes(state)) return health('Progressing', message)
  return health('Healthy', message)
}

function awaitsApproval(one: Parameters<typeof textAt>[0]): boolean {
  return (
    textAt(one, 'type') === 'InstallPlanPending' &&
    textAt(one, 'status') === 'True' &&
    textAt(one, 'reason') === 'RequiresApproval'
  )
}

/** Open Cluster Management, Kyverno, Karmada, OLM. */
export const policyRules: readonly ShippedRule[] = [
  rule(
    'policy.open-cluster-management.io/CertificatePolicy',
    [
      [not(present('status.compliant')), 'Progressing', 'Waiting for the status to be reported'],
      [equals('status.compliant', 'Compliant'), 'Healthy', 'All certificates found comply with the policy'],
    ],
    ['Degraded', 'At least once certificate does not comply with the policy'],
  ),
  coded('policy.open-cluster-management.io/ConfigurationPolicy', configurationPolicy),
  rule(
    'policy.open-cluster-management.io/OperatorPolicy',
    [
      [not(present('status.conditions')), 'Progressing', 'Waiting for the status to be reported'],
      [stale(), 'Progressing', 'Waiting for the status to be updated'],
      [condition('Compliant', 'True'), 'Healthy', MESSAGE],
      [condition('Compliant'), 'Degraded', MESSAGE],
    ],
    'Waiting for the compliance condition',
  ),
  coded('policy.open-cluster-management.io/Policy', policy),
  rule(
    'kyverno.io/Policy',
    [[condition('Ready', 'True', { reasons: ['Succeeded'], messages: ['Ready'] }), 'Healthy', 'Policy is ready']],
    'Waiting for Policy to be ready',
  ),
  rule(
    'kyverno.io/ClusterPolicy',
    [
      [
        condition('Ready', 'True', { reasons: ['Succeeded'], messages: ['Ready'] }),
        'Healthy',
        'ClusterPolicy is ready',
      ],
    ],
    'Waiting for ClusterPolicy to be ready',
  ),
  coded(['work.karmada.io/ResourceBinding', 'work.karmada.io/ClusterResourceBinding'], binding),
  coded('operators.coreos.com/Subscription', subscription),
]
