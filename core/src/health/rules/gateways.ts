import type { Json } from '../../json/json.ts'
import type { Line, Message, Test } from '../data/data-rule.ts'
import {
  all,
  any,
  compare,
  condition,
  equals,
  filled,
  kindsOf,
  MESSAGE,
  not,
  present,
  rule,
  type ShippedRule,
  some,
  stale,
  unobserved,
} from './parts.ts'
import { count, find } from './value-parts.ts'

const GATEWAY_API = 'gateway.networking.k8s.io'

/** The conditions at a path that say no, or not yet: `programming` is said when the last says nothing. */
function troubles(path: string, prefix: Message = '', programming = ''): readonly Line[] {
  const at = path.split('.')
  return [
    ...['ResolvedRefs', 'Accepted'].map(
      type =>
        [
          condition(type, 'False', { at }),
          'Degraded',
          `${prefix}{condition.message|'Failed condition: ${type}'}`,
        ] as const,
    ),
    [
      condition('Programmed', undefined, { notStatuses: ['True'], at }),
      'Progressing',
      `${prefix}{condition.message|'${programming}'}`,
    ],
  ]
}

const TROUBLED = any(...troubles('entry.conditions').map(([when]) => when))

const gateway = rule(
  `${GATEWAY_API}/Gateway`,
  [
    ...troubles('status.conditions', '', 'Gateway is still being programmed'),
    ...troubles('$listener.conditions', 'Listener: ', 'Listener is still being programmed'),
    [any(present('status.conditions'), filled('status.listeners')), 'Healthy', 'Gateway is healthy'],
  ],
  'Waiting for Gateway status',
  { listener: find('status.listeners', TROUBLED) },
)

/** A Gateway's answer that speaks of the route's present generation. */
const IS_CURRENT = all(
  filled('entry.conditions'),
  any(
    not(present('metadata.generation')),
    some('entry.conditions', all(present('entry.observedGeneration'), not(stale('entry.observedGeneration')))),
  ),
)

/** Each Gateway that a route names reports by itself; one that still speaks of an earlier generation is not asked. */
const routes = rule(
  kindsOf(GATEWAY_API, 'HTTPRoute', 'GRPCRoute', 'TCPRoute', 'UDPRoute'),
  [
    ...troubles('$parent.conditions', 'Parent {$parent.parentRef.name}: ', 'Route is still being programmed'),
    [some('status.parents', IS_CURRENT), 'Healthy', '{kind} is healthy'],
  ],
  'Waiting for {kind} status',
  { parent: find('status.parents', all(IS_CURRENT, TROUBLED)) },
)

const ANSWER = { at: ['entry', 'conditions'] }
/** An answer without a generation is believed; one that names an earlier one anywhere is not. */
const IS_FRESH = all(filled('entry.conditions'), not(some('entry.conditions', stale('entry.observedGeneration'))))

/** A TLSRoute is well where a Gateway has said both yeses; what failed at one comes before what is under way at another. */
const tlsRoute = rule(
  `${GATEWAY_API}/TLSRoute`,
  [
    ...troubles('$failed.conditions', 'Parent {$failed.parentRef.name}: ').slice(0, 2),
    ...troubles('$working.conditions', 'Parent {$working.parentRef.name}: ', 'Route is still being programmed').slice(
      2,
    ),
    [
      some(
        'status.parents',
        all(IS_FRESH, condition('Accepted', 'True', ANSWER), condition('ResolvedRefs', 'True', ANSWER)),
      ),
      'Healthy',
      '{kind} is healthy',
    ],
    [some('status.parents', IS_FRESH), 'Progressing', 'Parent {entry.parentRef.name}: Waiting for {kind} conditions'],
  ],
  'Waiting for {kind} status',
  {
    failed: find('status.parents', all(IS_FRESH, condition(['ResolvedRefs', 'Accepted'], 'False', ANSWER))),
    working: find(
      'status.parents',
      all(IS_FRESH, condition('Programmed', undefined, { notStatuses: ['True'], ...ANSWER })),
    ),
  },
)

const CONFLICTED = condition('Conflicted', 'True', { at: ['$listener', 'conditions'] })

const listenerSet = rule(
  `${GATEWAY_API}/ListenerSet`,
  [
    [some('status.conditions', stale('entry.observedGeneration')), 'Progressing', 'Waiting for {kind} status'],
    ...troubles('status.conditions', '', 'ListenerSet is still being programmed').slice(1),
    [CONFLICTED, 'Degraded', "Listener: {condition.message|'Listener is conflicted'}"],
    ...troubles('$listener.conditions', 'Listener: ', 'Listener is still being programmed'),
    [filled('status.listeners'), 'Healthy', '{kind} is healthy'],
  ],
  'Waiting for {kind} status',
  { listener: find('status.listeners', any(TROUBLED, condition('Conflicted', 'True', ANSWER))) },
)

/** A controller that is not responsible for the target says so, which is nobody's trouble. */
const RESPONSIBLE = not(
  condition('Accepted', undefined, { notStatuses: ['True'], reasons: ['TargetNotFound'], ...ANSWER }),
)
const ACCEPTED_OR_RESOLVED_FALSE = condition(['Accepted', 'ResolvedRefs'], undefined, {
  notStatuses: ['True'],
  ...ANSWER,
})
const UNANSWERED = not(condition('Accepted', undefined, ANSWER))

/**
 * Policies that several Gateways answer (`status.ancestors`). `answers`: whose answers count. `behind`: which of an
 * answer's conditions are of an earlier spec. `bad`: which answer is trouble.
 */
function answeredPolicy(
  kind: string,
  { answers, behind, bad }: { readonly [part in 'answers' | 'behind' | 'bad']: Test },
): ShippedRule {
  return rule(
    kind,
    [
      [present('$behind'), 'Progressing', 'Waiting for Ancestor {$behind.ancestorRef.name} to update {kind} status'],
      [
        condition(['Accepted', 'ResolvedRefs'], undefined, { notStatuses: ['True'], at: ['$bad', 'conditions'] }),
        'Degraded',
        'Ancestor {$bad.ancestorRef.name}: {condition.message}',
      ],
      [present('$bad'), 'Degraded', 'Ancestor {$bad.ancestorRef.name}: {kind} is not accepted'],
      [
        some('status.ancestors', all(answers, condition('Accepted', undefined, ANSWER))),
        'Healthy',
        '{kind} is healthy',
      ],
    ],
    'Waiting for {kind} status',
    {
      behind: find('status.ancestors', some('entry.conditions', behind)),
      bad: find('status.ancestors', all(answers, bad)),
    },
  )
}

/** Gloo writes a state as a number or a text, for itself or for each namespace that its controllers run in. */
const REFUSED: readonly Json[] = [2, 'Rejected', 3, 'Warning']

function soloState(...states: readonly Json[]): Test {
  return any(equals('status.state', ...states), some('status.statuses', equals('entry.state', ...states)))
}

const solo = rule(
  [
    ...kindsOf(
      'gateway.solo.io',
      'Gateway',
      'MatchableHttpGateway',
      'RouteOption',
      'RouteTable',
      'VirtualHostOption',
      'VirtualService',
    ),
    ...kindsOf('gloo.solo.io', 'Proxy', 'Settings', 'Upstream', 'UpstreamGroup'),
  ],
  [
    [equals('status.state', ...REFUSED), 'Degraded', '{status.reason}'],
    [some('status.statuses', equals('entry.state', ...REFUSED)), 'Degraded', '{entry.reason}'],
    [soloState(0, 'Pending'), 'Suspended', 'The resource has not yet been validated'],
    [soloState(1, 'Accepted'), 'Healthy', 'The resource has been validated'],
  ],
  'Update in progress',
)

/** Contour says it once more in words of its own. */
const DESCRIPTION = '{status.description|condition.message}'

const AVAILABLE = condition('Available', 'True')
const ROLLED_OUT = condition('Progressing', 'True', { reasons: ['NewReplicationControllerAvailable'] })

const ADMITTED = equals('entry.type', 'Admitted')

/** Gateway API, Contour, Gloo, Airlock, Istio's operator, OpenShift's routes. */
export const gatewayRules: readonly ShippedRule[] = [
  gateway,
  listenerSet,
  routes,
  tlsRoute,
  answeredPolicy('gateway.networking.k8s.io/BackendTLSPolicy', {
    answers: RESPONSIBLE,
    behind: stale('entry.observedGeneration'),
    bad: ACCEPTED_OR_RESOLVED_FALSE,
  }),
  // Airlock always writes a generation and answers only for its own Gateways.
  answeredPolicy('microgateway.airlock.com/*Policy', {
    answers: present('entry'),
    behind: unobserved('entry.observedGeneration'),
    bad: any(ACCEPTED_OR_RESOLVED_FALSE, UNANSWERED),
  }),
  // Airlock's other kinds (a CustomResponse) have no status.
  rule('microgateway.airlock.com/*', [], ['Healthy', '{kind} is healthy']),
  rule(
    'gateway.networking.k8s.io/GatewayClass',
    [
      [condition('Accepted', 'True', { current: true }), 'Healthy', "{condition.message|'GatewayClass is accepted'}"],
      [
        condition('Accepted', 'False', { current: true }),
        'Degraded',
        "{condition.message|'GatewayClass is not accepted'}",
      ],
      [
        condition('Accepted', undefined, { current: true }),
        'Progressing',
        "{condition.message|'Waiting for GatewayClass status'}",
      ],
    ],
    'Waiting for GatewayClass status',
  ),
  solo,
  rule(
    'projectcontour.io/HTTPProxy',
    [
      [condition('Valid', 'True', { current: true }), 'Healthy', DESCRIPTION],
      // One that includes others waits for them, and they for it: neither may hold a sync up.
      [
        all(present('spec.includes'), condition('Valid', 'False', { current: true })),
        'Healthy',
        'HTTPProxy inclusions cannot be health checked',
      ],
      [condition('Valid', 'False', { current: true }), 'Degraded', DESCRIPTION],
      [all(not(present('status.conditions')), filled('status.currentStatus')), 'Progressing', DESCRIPTION],
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
  rule(
    'route.openshift.io/Route',
    [
      [not(present('status.ingress')), 'Progressing', 'Route is still getting admitted'],
      [not(compare('$admitted', '<', '$all')), 'Healthy', 'Route is healthy'],
      [
        some('status.ingress.*.conditions', all(ADMITTED, equals('entry.status', 'False'))),
        'Degraded',
        'Route is degraded',
      ],
    ],
    'Route is still getting admitted',
    {
      admitted: count('status.ingress.*.conditions', all(ADMITTED, equals('entry.status', 'True'))),
      all: count('status.ingress'),
    },
  ),
  rule(
    'apps.openshift.io/DeploymentConfig',
    [
      [
        not(all(present('status.conditions'), present('status.replicas'))),
        'Progressing',
        'replication controller is waiting for pods to run',
      ],
      [
        any(all(AVAILABLE, ROLLED_OUT), equals('status.replicas', 0)),
        'Healthy',
        'replication controller successfully rolled out',
      ],
      [any(AVAILABLE, ROLLED_OUT), 'Progressing', 'replication controller is waiting for pods to run'],
    ],
    ['Degraded', 'Deployment config is degraded'],
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
