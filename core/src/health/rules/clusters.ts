import { listAt, textAt, valueAt } from '../../json/read-json.ts'
import { plainText } from '../data-rule.ts'
import { type HealthRule, health } from '../health-rule.ts'
import {
  all,
  coded,
  compare,
  condition,
  equals,
  goodWhenTrue,
  MESSAGE,
  present,
  rule,
  type ShippedRule,
  stale,
} from './parts.ts'

const machinePool: HealthRule = object => {
  const phase = plainText(valueAt(object, 'status', 'phase'))
  const missing = listAt(object, 'status', 'conditions')
    .filter(one => textAt(one, 'status') === 'False')
    .map(one => `Not ${textAt(one, 'type')}${textAt(one, 'reason') && ` (${textAt(one, 'reason')})`}`)
  const text = phase === '' ? '' : `MachinePool is ${phase}`
  const message = missing.length === 0 ? text : `${text}: ${missing.join(', ')}`
  if (phase === 'Running' || phase === 'Scaling') return health('Healthy', message)
  return health(phase === 'Failed' || phase === 'Unknown' ? 'Degraded' : 'Progressing', message)
}

const awsControlPlane: HealthRule = object => {
  const conditions = listAt(object, 'status', 'conditions')
  if (!Array.isArray(valueAt(object, 'status', 'conditions'))) return health('Progressing', 'Provisioning...')
  const failure = textAt(object, 'status', 'failureMessage')
  if (failure !== '') return health('Degraded', failure)
  const is = (type: string) => conditions.some(one => textAt(one, 'type') === type && textAt(one, 'status') === 'True')
  if (is('EKSControlPlaneUpdating')) return health('Progressing', 'EKS control plane is updating')
  if (is('Ready')) return health('Healthy', 'Control plane is ready')
  const errors = conditions.filter(one => textAt(one, 'status') === 'False' && textAt(one, 'severity') === 'Error')
  if (errors.length > 0) return health('Degraded', errors.map(one => `${textAt(one, 'message')} `).join(''))
  return valueAt(object, 'status', 'ready') === false
    ? health('Progressing', 'Control plane is not ready (.status.ready is false)')
    : health('Progressing', 'Control plane is not ready')
}

const SHOOT_GRACE_MS = 15 * 60_000

/** Gardener sums a Shoot up in a label; what is unhealthy for less than a quarter of an hour is being mended. */
const shoot: HealthRule = (object, { now }) => {
  const label = textAt(object, 'metadata', 'labels', 'shoot.gardener.cloud/status')
  if (label === 'healthy') return health('Healthy', 'Component state: Healthy')
  if (label === 'progressing') return health('Progressing', 'Component state: Update in progress')
  if (label === 'unknown') return health('Unknown', 'Component state: Unknown')
  if (label !== 'unhealthy') return health('Progressing', 'Update in progress')
  const bad = listAt(object, 'status', 'conditions').filter(one => textAt(one, 'status') !== 'True')
  if (bad.length === 0) return health('Degraded', 'Component state: Unhealthy')
  const since = bad.map(one => Date.parse(textAt(one, 'lastTransitionTime')))
  return now !== undefined && since.every(at => now - at < SHOOT_GRACE_MS)
    ? health('Progressing', 'Component state: Reconcile - status unhealthy (< 15 minutes)')
    : health('Degraded', 'Component state: Unhealthy (> 15 minutes)')
}

const virtualMachine: HealthRule = object => {
  const conditions = listAt(object, 'status', 'conditions')
  const paused = conditions.some(one => textAt(one, 'type') === 'Paused' && textAt(one, 'status') === 'True')
  if (paused) return health('Suspended', 'Paused')
  const printable = textAt(object, 'status', 'printableStatus')
  const ready = conditions.find(one => textAt(one, 'type') === 'Ready')
  if (ready === undefined) return health('Progressing', printable || 'No status available')
  if (textAt(ready, 'status') === 'True') return health('Healthy', printable || 'Running')
  return valueAt(object, 'status', 'created') === true
    ? health('Progressing', printable || 'Starting')
    : health('Suspended', printable || 'Stopped')
}

/** Cluster API, Karpenter, Gardener, KubeVirt, nmstate. */
export const clusterRules: readonly ShippedRule[] = [
  rule(
    'cluster.x-k8s.io/Cluster',
    [
      [equals('spec.paused', true), 'Suspended', 'Cluster is paused'],
      [condition('Ready', 'False', { notSeverities: ['Info'] }), 'Degraded', MESSAGE],
      [equals('status.phase', 'Provisioned'), 'Healthy', 'Cluster is running'],
      [equals('status.phase', 'Failed'), 'Degraded'],
    ],
    'Waiting for clusters',
  ),
  rule(
    'cluster.x-k8s.io/MachineDeployment',
    [
      [equals('spec.paused', true), 'Suspended', 'MachineDeployment is paused'],
      [
        all(
          equals('status.phase', 'Running'),
          compare('status.replicas', '=', 'status.updatedReplicas'),
          compare('status.replicas', '=', 'status.readyReplicas'),
        ),
        'Healthy',
        'Machines are running under this deployment',
      ],
      [equals('status.phase', 'ScalingUp'), 'Progressing', 'Cluster is spawning machines'],
      [equals('status.phase', 'ScalingDown'), 'Progressing', 'Cluster is stopping machines'],
      [equals('status.phase', 'Failed'), 'Degraded', 'MachineDeployment is failed'],
    ],
    'Waiting for machines',
  ),
  rule(
    'cluster.x-k8s.io/MachineHealthCheck',
    [
      [
        all(present('status.currentHealthy'), compare('status.expectedMachines', '=', 'status.currentHealthy')),
        'Healthy',
      ],
      [present('status.currentHealthy'), 'Degraded'],
    ],
    '',
  ),
  coded('cluster.x-k8s.io/MachinePool', machinePool),
  coded('controlplane.cluster.x-k8s.io/AWSManagedControlPlane', awsControlPlane),
  rule(
    'addons.cluster.x-k8s.io/ClusterResourceSet',
    [
      [condition('ResourcesApplied', 'False'), 'Degraded', MESSAGE],
      [condition('ResourcesApplied', 'True'), 'Healthy', 'cluster resource set is applied'],
    ],
    'Initializing cluster resource set',
  ),
  rule(
    'karpenter.sh/NodePool',
    [...goodWhenTrue('Ready'), [condition('NodeClassReady', 'False'), 'Degraded', MESSAGE]],
    'Waiting for NodePool to be ready',
  ),
  rule('karpenter.k8s.aws/EC2NodeClass', goodWhenTrue('Ready'), 'Waiting for EC2NodeClass to be ready'),
  rule(
    'karpenter.sh/NodeClaim',
    [
      [stale(), 'Progressing', 'Waiting for NodeClaim spec to be reconciled'],
      [condition('Disrupting', 'True'), 'Suspended', MESSAGE],
      ...goodWhenTrue('Ready'),
      [condition('Initialized', 'True'), 'Progressing', 'Node initialized, waiting for Ready'],
      [condition('Registered', 'True'), 'Progressing', 'Node registered, waiting for initialization'],
      [condition('Launched', 'True'), 'Progressing', 'Node launched, waiting for registration'],
    ],
    'Waiting for NodeClaim to be launched',
  ),
  coded('core.gardener.cloud/Shoot', shoot),
  coded('kubevirt.io/VirtualMachine', virtualMachine),
  rule(
    'kubevirt.io/VirtualMachineInstance',
    [
      [equals('status.phase', 'Failed'), 'Degraded', '{status.phase}'],
      [equals('status.phase', 'Pending', 'Scheduling', 'Scheduled'), 'Progressing', '{status.phase}'],
      [equals('status.phase', 'Succeeded'), 'Suspended', '{status.phase}'],
      [equals('status.phase', 'Unknown'), 'Unknown', '{status.phase}'],
      [condition('Paused', 'True'), 'Suspended', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', 'Running'],
      [condition('Ready'), 'Degraded', MESSAGE],
    ],
    "{status.phase|'No status available'}",
  ),
  rule(
    'cdi.kubevirt.io/DataVolume',
    [
      [equals('status.phase', 'Succeeded'), 'Healthy', '{status.phase}'],
      [equals('status.phase', 'Paused'), 'Suspended', '{status.phase}'],
      [condition('Running', 'False', { reasons: ['Error'] }), 'Degraded', MESSAGE],
      [equals('status.phase', 'Failed', 'Unknown'), 'Degraded', '{status.phase}'],
    ],
    "{status.phase|'No status available'}",
  ),
  rule(
    'nmstate.io/NodeNetworkConfigurationPolicy',
    (
      [
        ['Degraded', 'Degraded'],
        ['Progressing', 'Progressing'],
        ['Ignored', 'Suspended'],
        ['Available', 'Healthy'],
      ] as const
    ).flatMap(([type, status]) => [
      [condition(type, 'True', { messages: [''] }), status, '{condition.reason}'] as const,
      [condition(type, 'True'), status, '{condition.reason}: {condition.message}'] as const,
    ]),
    'Waiting for policy to be applied',
  ),
]
