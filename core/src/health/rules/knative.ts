import type { Values } from '../data/data-rule.ts'
import {
  all,
  any,
  compare,
  condition,
  equals,
  filled,
  not,
  present,
  rule,
  type ShippedRule,
  someCondition,
  stale,
} from './parts.ts'
import { choose, count, join, texts } from './value-parts.ts'

/** What Ready says is about an earlier generation. */
const READY_OF_BEFORE = all(condition('Ready'), not(condition('Ready', undefined, { current: true })))

const TRANSITION = 'status.modelStatus.transitionStatus'

/** The operator's kinds: every good condition must be True, and one that is not says what is missing. */
function installed(name: string, good: readonly string[], waitsForFalse: readonly string[]): ShippedRule {
  const values: Values = {
    message: join('status.conditions', '{index}: {entry.type} | {entry.status}\n', { separator: '' }),
  }
  return rule(
    `operator.knative.dev/${name}`,
    [
      [not(present('status.conditions')), 'Progressing', `Waiting for ${name}`],
      [any(someCondition({ statuses: ['Unknown'] }), condition(waitsForFalse, 'False')), 'Progressing', '{$message}'],
      [all(...good.map(type => condition(type, 'True'))), 'Healthy', `${name} is healthy.`],
    ],
    ['Degraded', '{$message}'],
    values,
  )
}

/** Knative and KServe, whose messages list several conditions. */
export const knativeRules: readonly ShippedRule[] = [
  rule(
    'serving.knative.dev/Service',
    [
      [someCondition({ statuses: ['False'] }), 'Degraded', '{$message}'],
      [
        all(not(someCondition({ statuses: ['Unknown'] })), compare('$good', '=', 3)),
        'Healthy',
        'Knative Service is healthy.',
      ],
      [present('status.conditions'), 'Progressing', '{$message}'],
    ],
    'Waiting for status update.',
    {
      good: count(
        'status.conditions',
        all(equals('entry.status', 'True'), equals('entry.type', 'ConfigurationsReady', 'RoutesReady', 'Ready')),
      ),
      message: join('status.conditions', '{entry.type} is {entry.status}{$since}{$text}\n', {
        where: equals('entry.status', 'False', 'Unknown'),
        values: {
          since: choose([[filled('entry.reason'), ', since {entry.reason}.']], ''),
          text: choose([[filled('entry.message'), ' {entry.message}']], ''),
        },
        separator: '',
      }),
    },
  ),
  installed(
    'KnativeServing',
    ['Ready', 'InstallSucceeded', 'DependenciesInstalled', 'DeploymentsAvailable'],
    ['Ready', 'DeploymentsAvailable'],
  ),
  installed('KnativeEventing', ['Ready', 'InstallSucceeded'], ['Ready']),
  rule(
    'serving.kserve.io/InferenceService',
    [
      [not(present('status.conditions')), 'Progressing', 'Waiting for InferenceService to report status...'],
      [condition('Stopped', 'True'), 'Suspended', 'InferenceService is Stopped'],
      // A condition that is False may still become True: only the model itself says that it has failed.
      [all(filled('$transition'), not(equals(TRANSITION, 'InProgress'))), 'Degraded', '{$message}'],
      [
        any(someCondition({ notTypes: ['Stopped'], notStatuses: ['True'] }), filled('$transition')),
        'Progressing',
        '{$message}',
      ],
    ],
    ['Healthy', 'InferenceService is healthy.'],
    {
      // The model's transition as line 0, then each condition that is not True by its place.
      transition: choose(
        [[all(filled(TRANSITION), not(equals(TRANSITION, 'UpToDate'))), `0: transitionStatus | {${TRANSITION}}`]],
        '',
      ),
      unready: join('status.conditions', ' | {index}: {$parts}', {
        where: all(not(equals('entry.type', 'Stopped')), not(equals('entry.status', 'True'))),
        values: { parts: texts(' | ', '{entry.type}', '{entry.status}', '{entry.reason}', '{entry.message}') },
        separator: '',
      }),
      message: texts('', '{$transition}', '{$unready}'),
    },
  ),
  rule(
    'serving.kserve.io/LLMInferenceService',
    [
      [not(present('status.conditions')), 'Progressing', 'Waiting for {kind} to report its status'],
      [any(stale(), READY_OF_BEFORE), 'Progressing', 'Waiting for {kind} to be reconciled'],
      [someCondition({ reasons: ['Stopped'] }), 'Suspended', '{kind} is stopped'],
      [condition('Ready', 'True'), 'Healthy', '{kind} is healthy'],
      [condition('Ready', 'False'), 'Degraded', '{$message}'],
    ],
    '{$message}',
    {
      unready: join('status.conditions', '{entry.type}: {$parts}', {
        where: all(not(equals('entry.type', 'Ready')), not(equals('entry.status', 'True'))),
        values: { parts: texts(' | ', '{entry.status}', '{entry.reason}', '{entry.message}') },
        separator: '; ',
      }),
      message: choose([[filled('$unready'), '{$unready}']], '{Ready.message}'),
    },
  ),
]
