import {
  all,
  any,
  compare,
  condition,
  equals,
  every,
  filled,
  goodWhenTrue,
  kindsOf,
  MESSAGE,
  not,
  phases,
  present,
  recent,
  rule,
  type ShippedRule,
  someCondition,
  stale,
} from './parts.ts'
import { choose, join } from './value-parts.ts'

/** What must hold of a node pool before it can be made; that its nodes are not there yet is no trouble. */
const NODE_POOL_ASKS = [
  'ValidGeneratedPayload',
  'ValidPlatformImage',
  'ValidReleaseImage',
  'ValidMachineConfig',
  'ValidTuningConfig',
  'ValidPlatformConfig',
  'ValidMachineTemplate',
  'UpdateManagementEnabled',
  'SupportedVersionSkew',
]

const SHOOT = ['metadata', 'labels', 'shoot.gardener.cloud/status']
const SHOOT_GRACE_SECONDS = 15 * 60

/** Gardener sums a Shoot up in a label; what is unhealthy for less than a quarter of an hour is being mended. */
const shoot = rule(
  'core.gardener.cloud/Shoot',
  [
    [equals(SHOOT, 'healthy'), 'Healthy', 'Component state: Healthy'],
    [equals(SHOOT, 'progressing'), 'Progressing', 'Component state: Update in progress'],
    [equals(SHOOT, 'unknown'), 'Unknown', 'Component state: Unknown'],
    [not(equals(SHOOT, 'unhealthy')), 'Progressing', 'Update in progress'],
    [not(someCondition({ notStatuses: ['True'] })), 'Degraded', 'Component state: Unhealthy'],
    [
      every(
        'status.conditions',
        any(equals('entry.status', 'True'), recent('entry.lastTransitionTime', SHOOT_GRACE_SECONDS)),
      ),
      'Progressing',
      'Component state: Reconcile - status unhealthy (< 15 minutes)',
    ],
  ],
  ['Degraded', 'Component state: Unhealthy (> 15 minutes)'],
)

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
  rule(
    'cluster.x-k8s.io/MachinePool',
    phases('status.phase', { Healthy: ['Running', 'Scaling'], Degraded: ['Failed', 'Unknown'] }, '{$message}'),
    '{$message}',
    {
      missing: join('status.conditions', 'Not {entry.type}{$because}', {
        where: equals('entry.status', 'False'),
        values: { because: choose([[filled('entry.reason'), ' ({entry.reason})']], '') },
      }),
      phase: choose([[filled('status.phase'), 'MachinePool is {status.phase}']], ''),
      message: choose([[filled('$missing'), '{$phase}: {$missing}']], '{$phase}'),
    },
  ),
  rule(
    'controlplane.cluster.x-k8s.io/AWSManagedControlPlane',
    [
      [not(present('status.conditions')), 'Progressing', 'Provisioning...'],
      [filled('status.failureMessage'), 'Degraded', '{status.failureMessage}'],
      [condition('EKSControlPlaneUpdating', 'True'), 'Progressing', 'EKS control plane is updating'],
      [condition('Ready', 'True'), 'Healthy', 'Control plane is ready'],
      [someCondition({ statuses: ['False'], severities: ['Error'] }), 'Degraded', '{$errors}'],
      [equals('status.ready', false), 'Progressing', 'Control plane is not ready (.status.ready is false)'],
    ],
    'Control plane is not ready',
    {
      errors: join('status.conditions', '{entry.message} ', {
        where: all(equals('entry.status', 'False'), equals('entry.severity', 'Error')),
        separator: '',
      }),
    },
  ),
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
  rule(
    'karpenter.k8s.aws/EC2NodeClass',
    [
      [condition('Ready', 'False'), 'Degraded', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', 'EC2NodeClass is ready'],
      [condition(['SubnetsReady', 'SecurityGroupsReady', 'ValidationSucceeded'], 'False'), 'Degraded', MESSAGE],
    ],
    'Waiting for EC2NodeClass to be ready',
  ),
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
  shoot,
  rule(
    'kubevirt.io/VirtualMachine',
    [
      [condition('Paused', 'True'), 'Suspended', 'Paused'],
      [not(condition('Ready')), 'Progressing', "{status.printableStatus|'No status available'}"],
      [condition('Ready', 'True'), 'Healthy', "{status.printableStatus|'Running'}"],
      [equals('status.created', true), 'Progressing', "{status.printableStatus|'Starting'}"],
    ],
    ['Suspended', "{status.printableStatus|'Stopped'}"],
  ),
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
    kindsOf('hypershift.openshift.io', 'HostedCluster', 'HostedControlPlane'),
    [
      [condition('Degraded', 'True'), 'Degraded', MESSAGE],
      [condition('Available', 'True'), 'Healthy', MESSAGE],
      [condition('Progressing', 'True'), 'Progressing', MESSAGE],
      [equals('status.ready', true), 'Healthy', '{kind} is ready'],
    ],
    'Waiting for {kind} to become available',
  ),
  rule(
    'hypershift.openshift.io/NodePool',
    [
      [condition(NODE_POOL_ASKS, 'False'), 'Degraded', MESSAGE],
      [condition(['UpdatingVersion', 'UpdatingConfig'], 'True'), 'Progressing', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
    ],
    'Waiting for {kind} to become ready',
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
