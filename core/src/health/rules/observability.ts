import { listAt, numberAt, textAt, valueAt } from '../../json/read-json.ts'
import type { HealthStatus } from '../../model/status.ts'
import { type HealthRule, health } from '../health-rule.ts'
import {
  all,
  coded,
  condition,
  equals,
  goodWhenTrue,
  MESSAGE,
  not,
  phases,
  present,
  rule,
  type ShippedRule,
} from './parts.ts'

const MISMATCH = 'FolderUIDMismatch'

/** Every condition that was read, up to the first that is bad, goes into the message. */
const grafanaHealth: HealthRule = object => {
  const texts: string[] = []
  let status: HealthStatus = 'Progressing'
  for (const one of listAt(object, 'status', 'conditions')) {
    const [type, said, reason] = [textAt(one, 'type'), textAt(one, 'status'), textAt(one, 'reason')]
    const because = textAt(one, 'message')
    texts.push(reason === '' ? '' : `${reason} for ${type}${because && ` because ${because}`}`)
    const bad = type === MISMATCH ? said === 'True' : said === 'False'
    if (bad) {
      status = 'Degraded'
      break
    }
    if (said === 'True') status = 'Healthy'
  }
  return health(status, texts.join(', '))
}

const HUMIO = { Healthy: 'Exists', Missing: 'NotFound', Degraded: 'ConfigError', Unknown: 'Unknown' } as const

const FLAGGER: { readonly [phase: string]: HealthStatus | undefined } = {
  Failed: 'Degraded',
  Progressing: 'Progressing',
  Finalising: 'Progressing',
  Promoting: 'Progressing',
  Succeeded: 'Healthy',
  Initialized: 'Healthy',
}

const canaryHealth: HealthRule = object => {
  if (valueAt(object, 'status') === undefined) return health('Unknown', 'No status')
  const phase = textAt(object, 'status', 'phase')
  const weight = numberAt(object, 'status', 'canaryWeight')
  const texts = [
    phase,
    ...(weight > 0 ? [`Canary Weight: ${weight} %`] : []),
    ...listAt(object, 'status', 'conditions').map(one => textAt(one, 'message')),
  ]
  const status = Object.hasOwn(FLAGGER, phase) ? FLAGGER[phase] : undefined
  return health(status ?? 'Unknown', texts.join(' --- '))
}

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
  coded(
    [
      'GrafanaDashboard',
      'GrafanaFolder',
      'GrafanaAlertRuleGroup',
      'GrafanaContactPoint',
      'GrafanaMuteTiming',
      'GrafanaNotificationPolicy',
      'GrafanaNotificationTemplate',
      'GrafanaLibraryPanel',
    ].map(kind => `grafana.integreatly.org/${kind}`),
    grafanaHealth,
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
  coded('flagger.app/Canary', canaryHealth),
]
