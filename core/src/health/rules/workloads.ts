import { listAt, numberAt, objectAt, textAt, valueAt } from '../../json/read-json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import { plainText } from '../data-rule.ts'
import { type HealthRule, health } from '../health-rule.ts'
import {
  all,
  any,
  coded,
  compare,
  condition,
  equals,
  filled,
  MESSAGE,
  not,
  present,
  rule,
  type ShippedRule,
  unobserved,
} from './parts.ts'

const INITIAL = 'Waiting for initialization'
const UPDATED = 'status.updatedAvailableReplicas'

const kruiseStatefulSet: HealthRule = object => {
  const partition = numberAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition')
  if (unseen(object)) return health('Progressing', INITIAL)
  const available = valueAt(object, 'status', 'updatedAvailableReplicas')
  if (valueAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'paused') === true || available === undefined) {
    return health('Suspended', 'Statefulset is paused')
  }
  if (partition !== 0 && numberAt(object, 'metadata', 'generation') > 1) {
    const done = numberAt(object, 'status', 'updatedReplicas') > numberAt(object, 'status', 'replicas') - partition
    return done ? health('Suspended', 'Statefulset needs manual intervention') : health('Progressing', INITIAL)
  }
  return numberAt(object, 'status', 'updatedAvailableReplicas') === numberAt(object, 'status', 'replicas')
    ? health('Healthy', 'All Statefulset workloads are ready and updated')
    : health('Degraded', 'Some replicas are not ready or available')
}

const kruiseDaemonSet: HealthRule = object => {
  if (unseen(object)) return health('Progressing', INITIAL)
  const updated = numberAt(object, 'status', 'updatedNumberScheduled')
  const desired = numberAt(object, 'status', 'desiredNumberScheduled')
  const partition = numberAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition')
  const paused = valueAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'paused') === true
  if (paused || valueAt(object, 'status', 'updatedNumberScheduled') === undefined) {
    return health('Suspended', 'Daemonset is paused')
  }
  if (partition !== 0 && numberAt(object, 'metadata', 'generation') > 1) {
    return updated > desired - partition
      ? health('Suspended', 'Daemonset needs manual intervention')
      : health('Progressing', INITIAL)
  }
  if (updated !== desired) return health('Progressing', INITIAL)
  if (numberAt(object, 'status', 'numberAvailable') === desired) {
    return health('Healthy', 'All Daemonset workloads are ready and updated')
  }
  return numberAt(object, 'status', 'numberUnavailable') === desired
    ? health('Degraded', 'Some pods are not ready or available')
    : health('Progressing', INITIAL)
}

const gameServerSet: HealthRule = object => {
  const waiting = health('Progressing', 'Waiting for GameServerSet initialization')
  if (unseen(object)) return waiting
  const rolling = objectAt(object, 'spec', 'updateStrategy', 'rollingUpdate')
  const [replicas, ready] = [numberAt(object, 'status', 'replicas'), numberAt(object, 'status', 'readyReplicas')]
  const partition = numberAt(rolling, 'partition')
  if (valueAt(rolling, 'paused') === true) return health('Suspended', 'GameServerSet is paused')
  if (partition !== 0 && numberAt(object, 'status', 'updatedReplicas') >= replicas - partition) {
    return health('Suspended', `Partition=${partition}, waiting for manual intervention`)
  }
  if (numberAt(object, 'status', 'updatedReadyReplicas') === replicas) {
    return health('Healthy', 'All GameServerSet replicas are updated and ready')
  }
  return ready < replicas ? health('Progressing', `ReadyReplicas ${ready}/${replicas}, still progressing`) : waiting
}

const gameServer: HealthRule = object => {
  if (valueAt(object, 'status') === undefined) return health('Unknown', 'Waiting for GameServer to be ready')
  const current = textAt(object, 'status', 'currentState')
  const desired = textAt(object, 'status', 'desiredState')
  if (current !== desired) {
    return health('Progressing', `State change: ${current || 'Unknown'} → ${desired || 'Unknown'}`)
  }
  const down = listAt(object, 'status', 'podStatus', 'conditions').some(
    one => textAt(one, 'type') === 'KruisePodReady' && textAt(one, 'status') !== 'True',
  )
  if (down) return health('Degraded', 'Pod is not ready: KruisePodReady')
  return current === 'Ready'
    ? health('Healthy', 'GameServer is Ready')
    : health('Unknown', 'Waiting for GameServer to be ready')
}

function unseen(object: KubernetesObject): boolean {
  if (valueAt(object, 'status') === undefined) return true
  const generation = plainText(valueAt(object, 'metadata', 'generation'))
  return generation !== plainText(valueAt(object, 'status', 'observedGeneration'))
}

const SPARK: { readonly [state: string]: readonly ['Progressing' | 'Healthy' | 'Missing', string] | undefined } = {
  SUBMITTED: ['Progressing', 'SparkApplication was submitted successfully'],
  COMPLETED: ['Healthy', 'SparkApplication was Completed'],
  PENDING_RERUN: ['Progressing', 'SparkApplication is Pending Rerun'],
  INVALIDATING: ['Missing', 'SparkApplication is in InvalidatingState'],
  SUCCEEDING: [
    'Progressing',
    `The driver pod has been completed successfully. The executor pods terminate and are cleaned up.
                                Under this circumstances, we assume the executor pod are completed.`,
  ],
  UNKNOWN: [
    'Progressing',
    'SparkApplication is in UnknownState because either driver pod or one or all executor pods in unknown state  ',
  ],
}

const sparkApplication: HealthRule = object => {
  const state = valueAt(object, 'status', 'applicationState', 'state')
  const waiting = health('Progressing', 'Waiting for Executor pods')
  if (typeof state !== 'string') return waiting
  if (state === '') return health('Progressing', 'SparkApplication was added, enqueuing it for submission')
  if (state === 'FAILED' || state === 'SUBMISSION_FAILED' || state === 'FAILING') {
    return health('Degraded', textAt(object, 'status', 'applicationState', 'errorMessage'))
  }
  if (state === 'RUNNING') return enoughExecutors(object) ? health('Healthy', 'SparkApplication is Running') : waiting
  const known = Object.hasOwn(SPARK, state) ? SPARK[state] : undefined
  return known ? health(known[0], known[1]) : waiting
}

/** As many as are wanted; with dynamic allocation between its bounds; without any number at least one. */
function enoughExecutors(object: KubernetesObject): boolean {
  const running = Object.values(objectAt(object, 'status', 'executorState')).filter(one => one === 'RUNNING').length
  const wanted = valueAt(object, 'spec', 'executor', 'instances')
  const settings = objectAt(object, 'spec', 'sparkConf')
  const allocation = objectAt(object, 'spec', 'dynamicAllocation')
  const dynamic =
    textAt(settings, 'spark.dynamicAllocation.enabled') === 'true' || valueAt(allocation, 'enabled') === true
  if (!dynamic) return wanted === undefined ? running >= 1 : running === wanted
  const bound = (setting: string, field: string, otherwise: number) => {
    const text = plainText(valueAt(settings, `spark.dynamicAllocation.${setting}`) ?? valueAt(allocation, field))
    return text === '' ? otherwise : Number(text)
  }
  const least = bound('minExecutors', 'minExecutors', 1)
  const most = bound('maxExecutors', 'maxExecutors', Number.POSITIVE_INFINITY)
  return running >= Math.max(1, least) && running <= most
}

const collector: HealthRule = object => {
  if (valueAt(object, 'status') === undefined) {
    return health('Progressing', 'Waiting for OpenTelemetry Collector status')
  }
  const text = valueAt(object, 'status', 'scale', 'statusReplicas')
  const mode = textAt(object, 'spec', 'mode')
  if (text === undefined) {
    return mode === 'sidecar'
      ? health('Healthy', 'Collector is running in sidecar mode')
      : health('Progressing', 'Scale status not available')
  }
  const [, ready, total] = /(\d{1,9})\/(\d{1,9})/.exec(plainText(text)) ?? []
  if (ready === undefined) return health('Progressing', `Unable to parse replica status: ${plainText(text)}`)
  if (Number(ready) === 0) {
    return mode === 'daemonset' && Number(total) === 0
      ? health('Healthy', 'DaemonSet has no schedulable nodes (0/0)')
      : health('Degraded', 'No replicas are ready')
  }
  return Number(ready) === Number(total)
    ? health('Healthy', 'All replicas are ready')
    : health('Progressing', 'Replicas are starting up')
}

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
  coded('apps.kruise.io/StatefulSet', kruiseStatefulSet),
  coded('apps.kruise.io/DaemonSet', kruiseDaemonSet),
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
  coded('game.kruise.io/GameServerSet', gameServerSet),
  coded('game.kruise.io/GameServer', gameServer),
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
  coded('sparkoperator.k8s.io/SparkApplication', sparkApplication),
  coded('opentelemetry.io/OpenTelemetryCollector', collector),
  rule(
    'flink.apache.org/FlinkDeployment',
    [
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
      [condition('Ready', 'False'), 'Degraded', MESSAGE],
      [all(condition('Paused', 'True'), condition('Ready', 'True')), 'Suspended', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
    ],
    'Creating HorizontalPodAutoscaler Object',
  ),
  rule(
    'keda.sh/ScaledJob',
    [
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
        present('status.ansibleJobResult.status'),
        'Progressing',
        '{status.ansibleJobResult.status} job - {status.ansibleJobResult.url}',
      ],
    ],
    'Waiting for AnsibleJob',
  ),
]
