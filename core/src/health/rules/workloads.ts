import type { Path, Test } from '../data/data-rule.ts'
import {
  all,
  any,
  compare,
  condition,
  equals,
  filled,
  MESSAGE,
  not,
  number,
  present,
  rule,
  type ShippedRule,
  same,
  unobserved,
} from './parts.ts'
import { count, difference, part } from './value-parts.ts'

const INITIAL = 'Waiting for initialization'
const UPDATED = 'status.updatedAvailableReplicas'

/** Kruise writes the generation that it has looked at; before it has there is nothing to say. */
const UNSEEN = any(not(present('status')), not(same('metadata.generation', 'status.observedGeneration')))
const ROLLING = 'spec.updateStrategy.rollingUpdate'
const PARTITIONED = all(not(compare(`${ROLLING}.partition`, '=', 0)), compare('metadata.generation', '>', 1))

const kruiseStatefulSet = rule(
  'apps.kruise.io/StatefulSet',
  [
    [UNSEEN, 'Progressing', INITIAL],
    [any(equals(`${ROLLING}.paused`, true), not(present(UPDATED))), 'Suspended', 'Statefulset is paused'],
    [
      all(PARTITIONED, compare('status.updatedReplicas', '>', '$expected')),
      'Suspended',
      'Statefulset needs manual intervention',
    ],
    [PARTITIONED, 'Progressing', INITIAL],
    [compare(UPDATED, '=', 'status.replicas'), 'Healthy', 'All Statefulset workloads are ready and updated'],
  ],
  ['Degraded', 'Some replicas are not ready or available'],
  { expected: difference('status.replicas', `${ROLLING}.partition`) },
)

const DESIRED = 'status.desiredNumberScheduled'

const kruiseDaemonSet = rule(
  'apps.kruise.io/DaemonSet',
  [
    [UNSEEN, 'Progressing', INITIAL],
    [
      any(equals(`${ROLLING}.paused`, true), not(present('status.updatedNumberScheduled'))),
      'Suspended',
      'Daemonset is paused',
    ],
    [
      all(PARTITIONED, compare('status.updatedNumberScheduled', '>', '$expected')),
      'Suspended',
      'Daemonset needs manual intervention',
    ],
    [any(PARTITIONED, not(compare('status.updatedNumberScheduled', '=', DESIRED))), 'Progressing', INITIAL],
    [compare('status.numberAvailable', '=', DESIRED), 'Healthy', 'All Daemonset workloads are ready and updated'],
    [compare('status.numberUnavailable', '=', DESIRED), 'Degraded', 'Some pods are not ready or available'],
  ],
  INITIAL,
  { expected: difference(DESIRED, `${ROLLING}.partition`) },
)

const gameServerSet = rule(
  'game.kruise.io/GameServerSet',
  [
    [UNSEEN, 'Progressing', 'Waiting for GameServerSet initialization'],
    [equals(`${ROLLING}.paused`, true), 'Suspended', 'GameServerSet is paused'],
    [
      all(not(compare(`${ROLLING}.partition`, '=', 0)), not(compare('status.updatedReplicas', '<', '$expected'))),
      'Suspended',
      `Partition={${ROLLING}.partition}, waiting for manual intervention`,
    ],
    [
      compare('status.updatedReadyReplicas', '=', 'status.replicas'),
      'Healthy',
      'All GameServerSet replicas are updated and ready',
    ],
    [
      compare('status.readyReplicas', '<', 'status.replicas'),
      'Progressing',
      "ReadyReplicas {status.readyReplicas|'0'}/{status.replicas}, still progressing",
    ],
  ],
  'Waiting for GameServerSet initialization',
  { expected: difference('status.replicas', `${ROLLING}.partition`) },
)

const gameServer = rule(
  'game.kruise.io/GameServer',
  [
    [
      not(same('status.currentState', 'status.desiredState')),
      'Progressing',
      "State change: {status.currentState|'Unknown'} → {status.desiredState|'Unknown'}",
    ],
    [
      condition('KruisePodReady', undefined, {
        notStatuses: ['True'],
        at: ['status', 'podStatus', 'conditions'],
      }),
      'Degraded',
      'Pod is not ready: KruisePodReady',
    ],
    [equals('status.currentState', 'Ready'), 'Healthy', 'GameServer is Ready'],
  ],
  ['Unknown', 'Waiting for GameServer to be ready'],
)

const SPARK = 'status.applicationState.state'
const CONF: readonly string[] = ['spec', 'sparkConf']
const BY_SPEC = equals('spec.dynamicAllocation.enabled', true)
const STREAMING = equals([...CONF, 'spark.streaming.dynamicAllocation.enabled'], 'true')
const BY_CONF = equals([...CONF, 'spark.dynamicAllocation.enabled'], 'true')

/** As many as the bounds at these paths allow; one that is missing bounds nothing. */
function between(least: Path, most: Path): Test {
  return all(
    { kind: 'not', test: { kind: 'compare', at: ['$running'], operator: '<', to: least } },
    any(not(present(most)), { kind: 'not', test: { kind: 'compare', at: ['$running'], operator: '>', to: most } }),
  )
}

function confBetween(prefix: string): Test {
  return between([...CONF, `${prefix}.minExecutors`], [...CONF, `${prefix}.maxExecutors`])
}

/** As many as are wanted; with dynamic allocation between its bounds; without any number at least one. */
const ENOUGH_EXECUTORS = all(
  present('status.executorState'),
  any(
    all(present('spec.executor.instances'), compare('$running', '=', 'spec.executor.instances')),
    all(BY_SPEC, between(['spec', 'dynamicAllocation', 'minExecutors'], ['spec', 'dynamicAllocation', 'maxExecutors'])),
    all(not(BY_SPEC), STREAMING, confBetween('spark.streaming.dynamicAllocation')),
    all(not(any(BY_SPEC, STREAMING)), BY_CONF, confBetween('spark.dynamicAllocation')),
    all(
      not(any(BY_SPEC, STREAMING, BY_CONF)),
      not(any(present('spec.dynamicAllocation'), present('spec.executor.instances'))),
      compare('$running', '>', 0),
    ),
  ),
)

const sparkApplication = rule(
  'sparkoperator.k8s.io/SparkApplication',
  [
    [equals(SPARK, ''), 'Progressing', 'SparkApplication was added, enqueuing it for submission'],
    [equals(SPARK, 'FAILED', 'SUBMISSION_FAILED', 'FAILING'), 'Degraded', '{status.applicationState.errorMessage}'],
    [all(equals(SPARK, 'RUNNING'), ENOUGH_EXECUTORS), 'Healthy', 'SparkApplication is Running'],
    [equals(SPARK, 'SUBMITTED'), 'Progressing', 'SparkApplication was submitted successfully'],
    [equals(SPARK, 'COMPLETED'), 'Healthy', 'SparkApplication was Completed'],
    [equals(SPARK, 'PENDING_RERUN'), 'Progressing', 'SparkApplication is Pending Rerun'],
    [equals(SPARK, 'INVALIDATING'), 'Missing', 'SparkApplication is in InvalidatingState'],
    [
      equals(SPARK, 'SUCCEEDING'),
      'Progressing',
      `The driver pod has been completed successfully. The executor pods terminate and are cleaned up.
                                Under this circumstances, we assume the executor pod are completed.`,
    ],
    [
      equals(SPARK, 'UNKNOWN'),
      'Progressing',
      'SparkApplication is in UnknownState because either driver pod or one or all executor pods in unknown state  ',
    ],
  ],
  'Waiting for Executor pods',
  {
    running: count('status.executorState', equals(['entry'], 'RUNNING')),
  },
)

const REPLICAS = 'status.scale.statusReplicas'

/** How many are there is written as `ready/total`. */
const openTelemetryCollector = rule(
  'opentelemetry.io/OpenTelemetryCollector',
  [
    [not(present('status')), 'Progressing', 'Waiting for OpenTelemetry Collector status'],
    [all(not(present(REPLICAS)), equals('spec.mode', 'sidecar')), 'Healthy', 'Collector is running in sidecar mode'],
    [not(present(REPLICAS)), 'Progressing', 'Scale status not available'],
    [not(all(number('$ready'), number('$total'))), 'Progressing', `Unable to parse replica status: {${REPLICAS}}`],
    [
      all(compare('$ready', '=', 0), compare('$total', '=', 0), equals('spec.mode', 'daemonset')),
      'Healthy',
      'DaemonSet has no schedulable nodes (0/0)',
    ],
    [compare('$ready', '=', 0), 'Degraded', 'No replicas are ready'],
    [compare('$ready', '=', '$total'), 'Healthy', 'All replicas are ready'],
  ],
  'Replicas are starting up',
  { ready: part(REPLICAS, '/', 0), total: part(REPLICAS, '/', 1) },
)

const DEPLOYED = any(
  equals('status.reconciliationStatus.success', true),
  equals('status.reconciliationStatus.state', 'DEPLOYED'),
)
const FLINK = 'status.jobManagerDeploymentStatus'

/** Kruise, Spark, Flink, KEDA, Camel, OpenFaaS, OpenTelemetry, Ansible. */
export const workloadRules: readonly ShippedRule[] = [
  rule(
    'apps.kruise.io/CloneSet',
    [
      [any(not(present('status')), unobserved()), 'Progressing', INITIAL],
      [any(equals('spec.updateStrategy.paused', true), not(present(UPDATED))), 'Suspended', 'Cloneset is paused'],
      [
        all(
          not(equals('spec.updateStrategy.partition', 0)),
          compare('metadata.generation', '>', 1),
          not(compare('status.updatedReplicas', '<', 'status.expectedUpdatedReplicas')),
        ),
        'Suspended',
        'Cloneset needs manual intervention',
      ],
      [
        all(not(equals('spec.updateStrategy.partition', 0)), compare('metadata.generation', '>', 1)),
        'Progressing',
        INITIAL,
      ],
      [compare(UPDATED, '=', 'status.replicas'), 'Healthy', 'All Cloneset workloads are ready and updated'],
    ],
    ['Degraded', 'Some replicas are not ready or available'],
  ),
  kruiseStatefulSet,
  kruiseDaemonSet,
  rule(
    'apps.kruise.io/BroadcastJob',
    [
      [
        all(compare('status.desired', '=', 'status.succeeded'), equals('status.phase', 'completed')),
        'Healthy',
        'BroadcastJob is completed successfully',
      ],
      [all(not(equals('status.failed', 0)), equals('status.phase', 'failed')), 'Degraded', 'BroadcastJob failed'],
      [all(equals('status.phase', 'paused'), equals('spec.paused', true)), 'Suspended', 'BroadcastJob is Paused'],
    ],
    'BroadcastJob is still running',
  ),
  rule(
    'apps.kruise.io/AdvancedCronJob',
    [
      [
        all(not(filled('status.lastScheduleTime')), equals('spec.paused', true)),
        'Suspended',
        'AdvancedCronJob is Paused',
      ],
      [filled('status.active'), 'Progressing', 'AdvancedCronJobs has active jobs'],
      [filled('status.lastScheduleTime'), 'Healthy', 'AdvancedCronJobs has run successfully'],
    ],
    ['Degraded', 'AdvancedCronJobs has not run successfully'],
  ),
  gameServerSet,
  gameServer,
  rule(
    'rollouts.kruise.io/Rollout',
    [
      [unobserved(), 'Progressing', 'Rollout is still progressing'],
      [
        all(equals('status.canaryStatus.currentStepState', 'StepPaused'), equals('status.phase', 'Progressing')),
        'Suspended',
        'Rollout is Paused need manual intervention',
      ],
      [
        all(equals('status.canaryStatus.currentStepState', 'Completed'), equals('status.phase', 'Healthy')),
        'Healthy',
        'Rollout is Completed',
      ],
      [
        all(
          equals('status.canaryStatus.currentStepState', 'StepPaused'),
          equals('status.phase', 'Terminating', 'Disabled'),
        ),
        'Degraded',
        'Rollout is Disabled or Terminating',
      ],
    ],
    'Rollout is still progressing',
  ),
  sparkApplication,
  openTelemetryCollector,
  rule(
    'flink.apache.org/FlinkDeployment',
    [
      [not(present('status.reconciliationStatus')), 'Progressing', 'Waiting for Flink operator'],
      [DEPLOYED, 'Healthy'],
      [equals(FLINK, 'DEPLOYED_NOT_READY', 'DEPLOYING'), 'Progressing', 'Waiting for deploying'],
      [equals(FLINK, 'ERROR'), 'Degraded', '{status.reconciliationStatus.error}'],
    ],
    'Waiting for Flink operator',
  ),
  rule(
    'keda.sh/ScaledObject',
    [
      [condition('Fallback', 'True'), 'Degraded', MESSAGE],
      [all(condition('Paused', 'True'), condition('Ready', 'False')), 'Degraded', MESSAGE],
      [condition('Ready', 'False'), 'Degraded', MESSAGE],
      [all(condition('Paused', 'True'), condition('Ready', 'True')), 'Suspended', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
    ],
    'Creating HorizontalPodAutoscaler Object',
  ),
  rule(
    'keda.sh/ScaledJob',
    [
      [all(condition('Paused', 'True'), condition('Ready', ['False', 'Unknown'])), 'Degraded', MESSAGE],
      [condition('Ready', ['False', 'Unknown']), 'Degraded', MESSAGE],
      [all(condition('Paused', 'True'), condition('Ready', 'True')), 'Suspended', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
    ],
    'Waiting for ScaledJob',
  ),
  rule(
    'camel.apache.org/Integration',
    [
      [condition('Ready', 'False'), 'Degraded', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
    ],
    'Waiting for Integration',
  ),
  rule(
    'openfaas.com/Function',
    [
      [condition('Ready', 'False'), 'Degraded', MESSAGE],
      [condition('Stalled', 'True'), 'Degraded', MESSAGE],
      [all(condition('Ready', 'True'), compare('status.replicas', '>', 0)), 'Healthy', MESSAGE],
      [condition('Ready', 'True'), 'Suspended', 'No replicas available'],
    ],
    'Waiting for Function',
  ),
  rule(
    'tower.ansible.com/AnsibleJob',
    [
      [
        equals('status.ansibleJobResult.status', 'successful'),
        'Healthy',
        '{status.ansibleJobResult.status} job - {status.ansibleJobResult.url}',
      ],
      [
        equals('status.ansibleJobResult.status', 'failed', 'error', 'canceled'),
        'Degraded',
        '{status.ansibleJobResult.status} job - {status.ansibleJobResult.url}',
      ],
      [
        equals('status.ansibleJobResult.status', 'new', 'pending', 'waiting', 'running'),
        'Progressing',
        '{status.ansibleJobResult.status} job - {status.ansibleJobResult.url}',
      ],
    ],
    'Waiting for AnsibleJob',
  ),
]
