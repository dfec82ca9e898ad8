import { isJsonObject, type Json } from '../../json/json.ts'
import { listAt, objectAt, textAt, valueAt } from '../../json/read-json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Health } from '../../model/status.ts'
import { readCondition } from '../conditions.ts'
import { plainText, speaksOfOther } from '../data-rule.ts'
import { type HealthRule, health } from '../health-rule.ts'
import { all, coded, condition, equals, filled, MESSAGE, not, present, rule, type ShippedRule, stale } from './parts.ts'

/** The first of these that says no, or that it is not programmed yet; undefined: nothing is wrong. */
function troubleOf(holder: Json, prefix: string, programming: string): Health | undefined {
  const conditions = listAt(holder, 'conditions')
  for (const type of ['ResolvedRefs', 'Accepted']) {
    const bad = conditions.find(one => textAt(one, 'type') === type && textAt(one, 'status') === 'False')
    if (bad === undefined) continue
    return health('Degraded', `${prefix}${messageOf(bad) ?? `Failed condition: ${type}`}`)
  }
  const waiting = conditions.find(one => textAt(one, 'type') === 'Programmed' && textAt(one, 'status') !== 'True')
  return waiting === undefined ? undefined : health('Progressing', `${prefix}${messageOf(waiting) ?? programming}`)
}

function messageOf(one: Json): string | undefined {
  const message = valueAt(one, 'message')
  return typeof message === 'string' ? message : undefined
}

const gatewayHealth: HealthRule = object => {
  const listeners = listAt(object, 'status', 'listeners')
  const own = troubleOf(objectAt(object, 'status'), '', 'Gateway is still being programmed')
  if (own) return own
  for (const listener of listeners) {
    const trouble = troubleOf(listener, 'Listener: ', 'Listener is still being programmed')
    if (trouble) return trouble
  }
  const spoken = valueAt(object, 'status', 'conditions') !== undefined || listeners.length > 0
  return spoken ? health('Healthy', 'Gateway is healthy') : health('Progressing', 'Waiting for Gateway status')
}

/** Each Gateway that a route names reports by itself; one that still speaks of an earlier generation is not asked. */
const routeHealth: HealthRule = object => {
  const current = listAt(object, 'status', 'parents').filter(parent => isCurrent(parent, object))
  for (const parent of current) {
    const name = textAt(parent, 'parentRef', 'name')
    const trouble = troubleOf(parent, `Parent ${name}: `, 'Route is still being programmed')
    if (trouble) return trouble
  }
  return current.length > 0
    ? health('Healthy', `${object.kind} is healthy`)
    : health('Progressing', `Waiting for ${object.kind} status`)
}

function isCurrent(parent: Json, object: KubernetesObject): boolean {
  const conditions = listAt(parent, 'conditions')
  if (conditions.length === 0) return false
  if (valueAt(object, 'metadata', 'generation') === undefined) return true
  return conditions.some(one => valueAt(one, 'observedGeneration') !== undefined && !speaksOfOther(one, object))
}

/**
 * Policies that several Gateways answer (`status.ancestors`). A controller that is not responsible for the target says
 * TargetNotFound, which is nobody's trouble.
 */
function policyHealth(needsAccepted: boolean): HealthRule {
  return object => {
    const { kind } = object
    const ancestors = listAt(object, 'status', 'ancestors')
    for (const ancestor of ancestors) {
      if (listAt(ancestor, 'conditions').some(one => speaksOfOther(one, object))) {
        return health('Progressing', `Waiting for Ancestor ${ancestorName(ancestor)} to update ${kind} status`)
      }
    }
    let accepted = false
    for (const ancestor of ancestors) {
      const conditions = listAt(ancestor, 'conditions').map(readCondition)
      const acceptance = conditions.find(one => one.type === 'Accepted')
      if (acceptance && acceptance.status !== 'True' && acceptance.reason === 'TargetNotFound') continue
      const bad = conditions.find(
        one => (one.type === 'Accepted' || one.type === 'ResolvedRefs') && one.status !== 'True',
      )
      if (bad) return health('Degraded', `Ancestor ${ancestorName(ancestor)}: ${bad.message}`)
      if (acceptance) accepted = true
      else if (needsAccepted) return health('Degraded', `Ancestor ${ancestorName(ancestor)}: ${kind} is not accepted`)
    }
    return accepted ? health('Healthy', `${kind} is healthy`) : health('Progressing', `Waiting for ${kind} status`)
  }
}

function ancestorName(ancestor: Json): string {
  return textAt(ancestor, 'ancestorRef', 'name')
}

const airlockPolicy = policyHealth(true)

/** Airlock's other kinds (a CustomResponse) have no status. */
const airlockHealth: HealthRule = (object, options) =>
  object.kind.endsWith('Policy') ? airlockPolicy(object, options) : health('Healthy', `${object.kind} is healthy`)

const SOLO_STATES = ['Pending', 'Accepted', 'Rejected', 'Warning']

/** Gloo writes a state as a number or a text, for itself or for each namespace that its controllers run in. */
const soloHealth: HealthRule = object => {
  const perNamespace = objectAt(object, 'status', 'statuses')
  const reports = [objectAt(object, 'status'), ...Object.values(perNamespace).filter(isJsonObject)]
  const states = reports.flatMap(report => {
    const state = valueAt(report, 'state')
    if (state === undefined || state === null) return []
    const word = typeof state === 'number' ? SOLO_STATES[state] : plainText(state)
    return [{ word, reason: textAt(report, 'reason') }]
  })
  const refused = states.find(({ word }) => word === 'Rejected' || word === 'Warning')
  if (refused) return health('Degraded', refused.reason)
  if (states.some(({ word }) => word === 'Pending')) {
    return health('Suspended', 'The resource has not yet been validated')
  }
  return states.some(({ word }) => word === 'Accepted')
    ? health('Healthy', 'The resource has been validated')
    : health('Progressing', 'Update in progress')
}

/** Gateway API, Contour, Gloo, Airlock, Istio's operator, OpenShift's routes. */
export const gatewayRules: readonly ShippedRule[] = [
  coded('gateway.networking.k8s.io/Gateway', gatewayHealth),
  coded(
    ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'].map(kind => `gateway.networking.k8s.io/${kind}`),
    routeHealth,
  ),
  coded('gateway.networking.k8s.io/BackendTLSPolicy', policyHealth(false)),
  coded('microgateway.airlock.com/*', airlockHealth),
  rule(
    'gateway.networking.k8s.io/GatewayClass',
    [
      [condition('Accepted', 'True', { current: true }), 'Healthy', "{condition.message|'GatewayClass is accepted'}"],
      [
        condition('Accepted', 'False', { current: true }),
        'Degraded',
        "{condition.message|'GatewayClass is not accepted'}",
      ],
      [condition('Accepted', undefined, { current: true }), 'Progressing', MESSAGE],
    ],
    'Waiting for GatewayClass status',
  ),
  coded(
    [
      ...['Gateway', 'MatchableHttpGateway', 'RouteOption', 'RouteTable', 'VirtualHostOption', 'VirtualService'].map(
        kind => `gateway.solo.io/${kind}`,
      ),
      ...['Proxy', 'Settings', 'Upstream', 'UpstreamGroup'].map(kind => `gloo.solo.io/${kind}`),
    ],
    soloHealth,
  ),
  rule(
    'projectcontour.io/HTTPProxy',
    [
      [filled('spec.includes'), 'Healthy', 'HTTPProxy inclusions cannot be health checked'],
      [condition('Valid', 'True', { current: true }), 'Healthy', MESSAGE],
      [condition('Valid', 'False', { current: true }), 'Degraded', MESSAGE],
    ],
    'Waiting for status',
  ),
  rule(
    'projectcontour.io/ExtensionService',
    [
      [condition('Valid', 'True', { current: true }), 'Healthy', MESSAGE],
      [condition('Valid', 'False', { current: true }), 'Degraded', MESSAGE],
    ],
    'Waiting for status',
  ),
  rule(
    'install.istio.io/IstioOperator',
    [
      [equals('status.status', 0, 'NONE'), 'Unknown', 'Component is not present.'],
      [equals('status.status', 1, 'UPDATING'), 'Progressing', 'Component is being updated to a different version.'],
      [
        equals('status.status', 2, 'RECONCILING'),
        'Progressing',
        'Controller has started but not yet completed reconciliation loop for the component.',
      ],
      [equals('status.status', 3, 'HEALTHY'), 'Healthy', 'Component is healthy.'],
      [equals('status.status', 4, 'ERROR'), 'Degraded', 'Component is in an error state.'],
    ],
    'Waiting for Istio Control Plane',
  ),
  rule(
    'operator.openshift.io/IngressController',
    [
      [condition('Degraded', 'True'), 'Degraded', MESSAGE],
      [condition('DeploymentReplicasAllAvailable', 'False'), 'Progressing', MESSAGE],
      [condition('Progressing', 'True'), 'Progressing', '{condition.reason}'],
      [condition('Available', 'True'), 'Healthy', 'IngressController is available'],
    ],
    'Status of IngressController is not known yet',
  ),
  coded('route.openshift.io/Route', object => {
    const ingress = valueAt(object, 'status', 'ingress')
    if (!Array.isArray(ingress)) return health('Progressing', 'Route is still getting admitted')
    const admissions = ingress.flatMap(one => listAt(one, 'conditions').map(readCondition))
    const admitted = admissions.filter(({ type, status }) => type === 'Admitted' && status === 'True').length
    if (admitted >= ingress.length) return health('Healthy', 'Route is healthy')
    return admissions.some(({ type, status }) => type === 'Admitted' && status === 'False')
      ? health('Degraded', 'Route is degraded')
      : health('Progressing', 'Route is still getting admitted')
  }),
  rule(
    'apps.openshift.io/DeploymentConfig',
    [
      [
        all(
          condition('Available', 'True'),
          condition('Progressing', 'True', { reasons: ['NewReplicationControllerAvailable'] }),
        ),
        'Healthy',
        'replication controller successfully rolled out',
      ],
      [
        all(
          condition('Progressing', 'True', { reasons: ['NewReplicationControllerAvailable'] }),
          equals('status.replicas', 0),
        ),
        'Healthy',
        'replication controller successfully rolled out',
      ],
      [
        condition(['Available', 'Progressing'], 'True'),
        'Progressing',
        'replication controller is waiting for pods to run',
      ],
      [filled('status.conditions'), 'Degraded', 'Deployment config is degraded'],
    ],
    'replication controller is waiting for pods to run',
  ),
  rule(
    'operator.victoriametrics.com/*',
    [
      [not(present('status')), 'Progressing', 'Waiting for the operator to reconcile'],
      [stale(), 'Progressing', 'Waiting for the operator to reconcile'],
      [equals('status.updateStatus', 'operational'), 'Healthy', 'All components are operational'],
      [equals('status.updateStatus', 'expanding'), 'Progressing', "{status.reason|'Reconciliation in progress'}"],
      [equals('status.updateStatus', 'paused'), 'Suspended', "{status.reason|'Reconciliation is paused'}"],
      [equals('status.updateStatus', 'failed'), 'Degraded', "{status.reason|'Reconciliation failed'}"],
    ],
    'Waiting for the operator to report status',
  ),
]
