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
  same,
  some,
  someCondition,
  stale,
} from './parts.ts'
import { choose, count, join } from './value-parts.ts'

const COMPLIANT = equals('status.compliant', 'Compliant')
const UNREPORTED = 'Waiting for the status to be reported'

const configurationPolicy = rule(
  'policy.open-cluster-management.io/ConfigurationPolicy',
  [
    [not(present('status.compliant')), 'Progressing', UNREPORTED],
    [
      not(same('status.lastEvaluatedGeneration', 'metadata.generation')),
      'Progressing',
      'Waiting for the status to be updated',
    ],
    [not(present('status.compliancyDetails')), 'Progressing', 'Waiting for compliance'],
    [COMPLIANT, 'Healthy', '{$details}'],
  ],
  ['Degraded', '{$details}'],
  {
    details: join('status.compliancyDetails.*.conditions', '{entry.type} - {entry.message}', {
      where: all(filled('entry.type'), present('entry.message')),
      separator: '; ',
    }),
  },
)

const OFFENDING = not(equals('entry.compliant', 'Compliant'))

const policy = rule(
  'policy.open-cluster-management.io/Policy',
  [
    [equals('spec.disabled', true), 'Healthy', 'Policy is disabled'],
    [
      all(not(present('status.compliant')), not(present('status.status')), filled('status.placement')),
      'Healthy',
      'No clusters match this policy',
    ],
    [not(present('status.compliant')), 'Progressing', UNREPORTED],
    [COMPLIANT, 'Healthy', '{$offending}'],
  ],
  ['Degraded', '{$offending}'],
  {
    clusters: join('status.status', '{entry.clustername}', { where: OFFENDING }),
    templates: join('status.details', '{entry.templateMeta.name}', { where: OFFENDING }),
    offending: choose(
      [
        [some('status.status', OFFENDING), 'NonCompliant clusters: {$clusters}'],
        [present('status.status'), 'All clusters are compliant'],
        [some('status.details', OFFENDING), 'NonCompliant templates: {$templates}'],
        [present('status.details'), 'All templates are compliant'],
      ],
      '',
    ),
  },
)

/** Every cluster that the binding names must have reported, and none of them badly. */
const binding = rule(
  kindsOf('work.karmada.io', 'ResourceBinding', 'ClusterResourceBinding'),
  [
    [
      any(compare('$clusters', '=', 0), not(compare('$clusters', '=', '$reports'))),
      'Progressing',
      'Current resource status is insufficient',
    ],
    [
      some(
        'status.aggregatedStatus',
        any(
          equals('entry.health', 'Unhealthy'),
          all(equals('entry.health', 'Unknown'), not(equals('entry.applied', true))),
        ),
      ),
      'Degraded',
      'Current resource status is unhealthy',
    ],
  ],
  ['Healthy'],
  { clusters: count('spec.clusters'), reports: count('status.aggregatedStatus') },
)

const PLAN_PENDING = equals('entry.type', 'InstallPlanPending')

/** Who approves by hand has decided that an upgrade may wait; the installation itself must not. */
const WAITS_FOR_APPROVAL = all(
  equals('spec.installPlanApproval', 'Manual'),
  present('status.installedCSV'),
  condition('InstallPlanPending', 'True', { reasons: ['RequiresApproval'] }),
)

const subscription = rule(
  'operators.coreos.com/Subscription',
  [
    [not(present('status.conditions')), 'Progressing', 'An install plan for a subscription is pending installation'],
    [
      any(
        condition(['CatalogSourcesUnhealthy', 'InstallPlanFailed', 'ResolutionFailed'], 'True'),
        condition('InstallPlanMissing', 'True', { notReasons: ['ReferencedInstallPlanNotFound'] }),
        equals('status.state', 'UpgradeFailed'),
      ),
      'Degraded',
      '{$message}',
    ],
    [all(WAITS_FOR_APPROVAL, equals('status.state', 'UpgradePending', 'AtLatestKnown')), 'Healthy', '{$message}'],
    [
      any(
        all(not(WAITS_FOR_APPROVAL), condition('InstallPlanPending', 'True')),
        not(filled('status.state')),
        equals('status.state', 'UpgradeAvailable', 'UpgradePending'),
      ),
      'Progressing',
      '{$message}',
    ],
  ],
  ['Healthy', '{$message}'],
  {
    // What waits for somebody's approval is told as if it were not there.
    all: join('status.conditions', '{index}: {entry.type} | {entry.status}\n', { separator: '' }),
    expected: join('status.conditions', '{$line}', {
      separator: '',
      values: { line: choose([[PLAN_PENDING, '']], '{index}: {entry.type} | {entry.status}\n') },
    }),
    state: choose(
      [
        [all(WAITS_FOR_APPROVAL, equals('status.state', 'UpgradePending')), ".status.state is 'AtLatestKnown'\n"],
        [present('status.state'), ".status.state is '{status.state}'\n"],
      ],
      '.status.state not yet known\n',
    ),
    message: choose([[WAITS_FOR_APPROVAL, '{$expected}{$state}']], '{$all}{$state}'),
  },
)

/** Kyverno's policies in CEL keep their conditions a level deeper, beside a verdict of their own. */
const CEL_STATUS = ['status', 'conditionStatus']
const CEL_CONDITIONS = [...CEL_STATUS, 'conditions']
const CEL_READY = equals([...CEL_STATUS, 'ready'], true)

const celPolicy = rule(
  kindsOf(
    'policies.kyverno.io',
    ...['Deleting', 'Generating', 'ImageValidating', 'Mutating', 'Validating'].flatMap(what => [
      `${what}Policy`,
      `Namespaced${what}Policy`,
    ]),
  ),
  [
    [not(present(CEL_STATUS)), 'Progressing', 'Waiting for {kind} to report its status'],
    [
      some(
        CEL_CONDITIONS,
        all(present('entry.observedGeneration'), compare('entry.observedGeneration', '<', 'metadata.generation')),
      ),
      'Progressing',
      'Waiting for {kind} to report on its latest generation',
    ],
    [all(CEL_READY, condition('WebhookConfigured', 'True', { at: CEL_CONDITIONS })), 'Healthy', MESSAGE],
    [all(CEL_READY, someCondition({ statuses: ['True'], at: CEL_CONDITIONS })), 'Healthy', MESSAGE],
    [CEL_READY, 'Healthy', "{status.conditionStatus.message|'Policy is ready'}"],
    [someCondition({ statuses: ['False'], at: CEL_CONDITIONS }), 'Degraded', '{condition.type}: {condition.message}'],
  ],
  ['Degraded', "{status.conditionStatus.message|'Policy is not ready'}"],
)

/** Open Cluster Management, Kyverno, Karmada, OLM. */
export const policyRules: readonly ShippedRule[] = [
  rule(
    'policy.open-cluster-management.io/CertificatePolicy',
    [
      [not(present('status.compliant')), 'Progressing', UNREPORTED],
      [equals('status.compliant', 'Compliant'), 'Healthy', 'All certificates found comply with the policy'],
    ],
    ['Degraded', 'At least once certificate does not comply with the policy'],
  ),
  configurationPolicy,
  rule(
    'policy.open-cluster-management.io/OperatorPolicy',
    [
      [not(present('status.conditions')), 'Progressing', UNREPORTED],
      [stale(), 'Progressing', 'Waiting for the status to be updated'],
      [condition('Compliant', 'True'), 'Healthy', MESSAGE],
      [condition('Compliant'), 'Degraded', MESSAGE],
    ],
    'Waiting for the compliance condition',
  ),
  policy,
  rule(
    'kyverno.io/Policy',
    [[condition('Ready', 'True', { reasons: ['Succeeded'], messages: ['Ready'] }), 'Healthy', 'Policy is ready']],
    'Waiting for Policy to be ready',
  ),
  rule(
    'kyverno.io/ClusterPolicy',
    [
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
      [condition('Ready'), 'Degraded', MESSAGE],
    ],
    'Waiting for ClusterPolicy to become ready',
  ),
  celPolicy,
  binding,
  subscription,
]
