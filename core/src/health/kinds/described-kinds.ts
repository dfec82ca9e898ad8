import {
  condition,
  earlier,
  equals,
  filled,
  not,
  present,
  rule,
  type ShippedRule,
  someCondition,
} from '../rules/parts.ts'
import { last } from '../rules/value-parts.ts'

const cronJob = rule(
  'batch/CronJob',
  [
    // Suspended on purpose is not a state that anybody waits for, so it does not hold a sync up.
    [equals('spec.suspend', true), 'Healthy', 'CronJob is Suspended'],
    [not(present('status')), 'Progressing', 'Waiting for CronJob'],
    [not(filled('status.lastScheduleTime')), 'Healthy', 'CronJob has not been scheduled yet'],
    [
      not(filled('status.lastSuccessfulTime')),
      'Healthy',
      'The CronJob never completed successfully. It may not be healthy',
    ],
    [filled('status.active'), 'Healthy', 'The job is running. Its last execution may not have been successful'],
    [
      earlier('status.lastSuccessfulTime', 'status.lastScheduleTime'),
      'Degraded',
      'CronJob has not completed its last execution successfully',
    ],
  ],
  ['Healthy', 'CronJob has completed its last execution successfully'],
)

export const customResourceDefinition = rule(
  'apiextensions.k8s.io/CustomResourceDefinition',
  [
    [present('metadata.deletionTimestamp'), 'Progressing', 'CRD is terminating'],
    [not(filled('status.conditions')), 'Progressing', 'Status conditions not found'],
    [condition('Terminating', 'True'), 'Progressing', 'CRD is terminating: {condition.message}'],
    [condition('NamesAccepted', 'False'), 'Degraded', 'CRD names have not been accepted: {condition.message}'],
    [condition('NonStructuralSchema', 'True'), 'Degraded', 'Schema violations found: {condition.message}'],
    [
      condition('Established', undefined, { notStatuses: ['True'], reasons: ['Installing'] }),
      'Progressing',
      'CRD is being installed',
    ],
    [condition('Established', 'True'), 'Healthy', 'CRD is healthy'],
  ],
  ['Degraded', 'CRD is not established'],
)

const podDisruptionBudget = rule(
  'policy/PodDisruptionBudget',
  [
    [
      someCondition({ statuses: ['False'], notReasons: ['InsufficientPods'] }),
      'Degraded',
      'PodDisruptionBudget has {condition.reason}',
    ],
    [filled('status.conditions'), 'Healthy', 'PodDisruptionBudget has {$last.reason}'],
  ],
  'Waiting for status',
  { last: last('status.conditions') },
)

/** Those of Kubernetes' own kinds that Argo CD has scripts for: as data. */
export const describedKinds: readonly ShippedRule[] = [cronJob, customResourceDefinition, podDisruptionBudget]
