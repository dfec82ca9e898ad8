import {
  all,
  any,
  compare,
  condition,
  equals,
  filled,
  goodWhenTrue,
  kindsOf,
  MESSAGE,
  not,
  phases,
  present,
  rule,
  type ShippedRule,
  some,
  someCondition,
} from './parts.ts'
import { choose, join } from './value-parts.ts'

const MISMATCH = equals('entry.type', 'FolderUIDMismatch')
const BAD = any(all(MISMATCH, equals('entry.status', 'True')), all(not(MISMATCH), equals('entry.status', 'False')))

const HUMIO = { Healthy: 'Exists', Missing: 'NotFound', Degraded: 'ConfigError', Unknown: 'Unknown' } as const

/** Prometheus, Grafana, Jaeger, Kiali, Datadog, Coralogix, Humio, Flagger. */
export const observabilityRules: readonly ShippedRule[] = [
  rule(
    ['Prometheus', 'PrometheusAgent', 'Alertmanager', 'ThanosRuler'].map(kind => `monitoring.coreos.com/${kind}`),
    [
      [
        condition('Available', undefined, { notStatuses: ['True'], reasons: ['SomePodsNotReady'] }),
        'Progressing',
        '{condition.message|condition.reason}',
      ],
      [
        condition('Available', undefined, { notStatuses: ['True'] }),
        'Degraded',
        '{condition.message|condition.reason}',
      ],
      [condition('Available', 'True'), 'Healthy', 'All instances are available'],
    ],
    'Waiting for initialization',
  ),
  rule(
    'grafana.integreatly.org/Grafana',
    [
      [not(present('status.stageStatus')), 'Progressing', 'Waiting for Grafana status info'],
      [equals('status.stageStatus', 'failed'), 'Degraded', 'Failed at stage {status.stage}'],
      [all(equals('status.stage', 'complete'), equals('status.stageStatus', 'success')), 'Healthy'],
    ],
    '{status.stage}',
  ),
  rule(
    'grafana.integreatly.org/GrafanaDatasource',
    [
      [not(present('status')), 'Progressing'],
      [equals('status.uid', ''), 'Progressing'],
      [equals('status.NoMatchingInstances', true), 'Degraded', "can't find matching grafana instance"],
    ],
    ['Healthy'],
  ),
  rule(
    kindsOf(
      'grafana.integreatly.org',
      'GrafanaDashboard',
      'GrafanaFolder',
      'GrafanaAlertRuleGroup',
      'GrafanaContactPoint',
      'GrafanaMuteTiming',
      'GrafanaNotificationPolicy',
      'GrafanaNotificationTemplate',
      'GrafanaLibraryPanel',
    ),
    [
      [some('status.conditions', BAD), 'Degraded', '{$read}'],
      [someCondition({ statuses: ['True'] }), 'Healthy', '{$read}'],
    ],
    '{$read}',
    {
      // Every condition that was read, up to the first that is bad.
      read: join('status.conditions', '{$said}', {
        through: BAD,
        values: {
          because: choose([[filled('entry.message'), ' because {entry.message}']], ''),
          said: choose([[filled('entry.reason'), '{entry.reason} for {entry.type}{$because}']], ''),
        },
      }),
    },
  ),
  rule(
    'grafana-org-operator.kubitus-project.gitlab.io/*',
    [...goodWhenTrue('Ready'), [condition('Ready'), 'Progressing', MESSAGE]],
    'Waiting ...',
  ),
  rule(
    'jaegertracing.io/Jaeger',
    [
      [equals('status.phase', 'Running'), 'Healthy', 'Jaeger is Running'],
      [equals('status.phase', 'Failed'), 'Degraded', 'Jaeger Failed For Some Reason'],
    ],
    'Waiting for Jaeger',
  ),
  rule(
    'kiali.io/Kiali',
    [
      [condition('Failure', 'True'), 'Degraded', MESSAGE],
      [condition('Successful', 'True'), 'Healthy', MESSAGE],
      [condition('Running', undefined, { reasons: ['Running'] }), 'Progressing', MESSAGE],
    ],
    'Waiting for Kiali',
  ),
  rule(
    'datadoghq.com/DatadogMetric',
    [
      [
        all(condition('Error', 'True'), not(condition('Error', 'True', { reasons: [''] }))),
        'Degraded',
        "{condition.reason}: {condition.message|'DatadogMetric reported an error'}",
      ],
      [condition('Error', 'True'), 'Degraded', "{condition.message|'DatadogMetric reported an error'}"],
      [condition('Valid', 'False'), 'Degraded', "{condition.message|'DatadogMetric is not valid'}"],
    ],
    ['Healthy', 'DatadogMetric is healthy'],
  ),
  rule(
    ['coralogix.com/Alert', 'coralogix.com/RecordingRuleGroupSet', 'coralogix.com/RuleGroup'],
    [
      [condition('RemoteSynced', 'False'), 'Degraded', MESSAGE],
      [condition('RemoteSynced', 'True'), 'Healthy', 'Resource is ready'],
    ],
    'Waiting for status to be updated',
  ),
  rule(
    ['Action', 'Alert', 'IngestToken', 'Parser', 'Repository', 'View'].map(kind => `core.humio.com/Humio${kind}`),
    phases('status.state', HUMIO, 'Component state: {status.state}.'),
    'Update in progress',
  ),
  rule(
    'core.humio.com/HumioCluster',
    [
      [equals('status.state', 'Running'), 'Healthy', "{status.message|'Cluster is in a healthy running state'}"],
      [equals('status.state', 'Restarting'), 'Progressing', "{status.message|'Cluster pods are being restarted'}"],
      [equals('status.state', 'Upgrading'), 'Progressing', "{status.message|'Cluster pods are being upgraded'}"],
      [
        equals('status.state', 'ConfigError'),
        'Degraded',
        "{status.message|'User-provided cluster specification resulted in a configuration error'}",
      ],
      [
        equals('status.state', 'Pending'),
        'Progressing',
        "{status.message|'Cluster is waiting on resources to be provisioned'}",
      ],
      [equals('status.state', 'Unknown'), 'Unknown', "{status.message|'Component state: Unknown.'}"],
    ],
    'Update in progress',
  ),
  rule(
    'flagger.app/Canary',
    [
      [not(present('status')), 'Unknown', 'No status'],
      ...phases(
        'status.phase',
        {
          Degraded: 'Failed',
          Progressing: ['Progressing', 'Finalising', 'Promoting'],
          Healthy: ['Succeeded', 'Initialized'],
        },
        '{status.phase}{$weight}{$messages}',
      ),
    ],
    ['Unknown', '{status.phase}{$weight}{$messages}'],
    {
      weight: choose([[compare('status.canaryWeight', '>', 0), ' --- Canary Weight: {status.canaryWeight} %']], ''),
      messages: join('status.conditions', ' --- {entry.message}', { separator: '' }),
    },
  ),
]
