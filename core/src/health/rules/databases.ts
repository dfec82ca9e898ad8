import type { HealthStatus } from '../../model/status.ts'
import type { Line } from '../data/data-rule.ts'
import {
  all,
  any,
  compare,
  condition,
  equals,
  every,
  filled,
  MESSAGE,
  not,
  phases,
  present,
  REASON,
  rule,
  type ShippedRule,
  someCondition,
} from './parts.ts'
import { last, sum } from './value-parts.ts'

const BUG =
  'Ensure your ArgoCD is current and then check for/file a bug report: https://github.com/argoproj/argo-cd/issues'
const NODES = '{status.ready}/{status.size} node(s) are ready'

const COLOURS = 'Check the status of indices, replicas and shards'

function elasticsearchColour(colour: string, status: HealthStatus, message: string): Line {
  return [all(equals('status.phase', 'Ready'), equals('status.health', colour)), status, message]
}

const elasticsearch = rule(
  'elasticsearch.k8s.elastic.co/Elasticsearch',
  [
    [not(present('status.availableNodes')), 'Unknown', `Elasticsearch Cluster status is unknown. ${BUG}`],
    [
      compare('status.availableNodes', '<', '$wanted'),
      'Progressing',
      'The desired amount of nodes is {$wanted} but the amount of availableNodes is {status.availableNodes}',
    ],
    [
      equals('status.phase', 'ApplyingChanges', 'MigratingData'),
      'Progressing',
      'Elasticsearch phase is {status.phase}',
    ],
    [equals('status.phase', 'Invalid'), 'Degraded', 'Elasticsearch phase is Invalid'],
    elasticsearchColour('green', 'Healthy', 'Elasticsearch Cluster status is Green'),
    elasticsearchColour('yellow', 'Progressing', `Elasticsearch Cluster status is Yellow. ${COLOURS}`),
    elasticsearchColour('red', 'Degraded', `Elasticsearch Cluster status is Red. ${COLOURS}`),
  ],
  ['Unknown', `Elasticsearch Cluster status is unknown. ${BUG}`],
  { wanted: sum('spec.nodeSets.*.count') },
)

/** Beats: a colour; while it is yellow, how many of the expected instances are there. */
const BEAT: readonly Line[] = [
  [equals('status.health', 'red'), 'Degraded', 'Elastic Beat status is Red'],
  [equals('status.health', 'green'), 'Healthy', 'Elastic Beat status is Green'],
  [
    all(equals('status.health', 'yellow'), present('status.availableNodes'), present('status.expectedNodes')),
    'Progressing',
    'Elastic Beat status is deploying, there is {status.availableNodes} instance(s) on {status.expectedNodes} expected',
  ],
  [equals('status.health', 'yellow'), 'Progressing', 'Elastic Beat phase is progressing'],
  [
    all(not(present('status.health')), present('status.expectedNodes')),
    'Progressing',
    'Elastic Beat phase is progressing',
  ],
]

const BROKER_IN_SYNC = all(
  equals('entry.configurationState', 'ConfigInSync'),
  equals('entry.gracefulActionState.cruiseControlState', 'GracefulUpscaleSucceeded', 'GracefulDownscaleSucceeded'),
)
const CRUISE_CONTROL = 'status.cruiseControlTopicStatus'
const CRUISE_CONTROL_UNREADY = any(not(filled(CRUISE_CONTROL)), equals(CRUISE_CONTROL, 'CruiseControlTopicNotReady'))

/** Every broker in sync with its configuration, and Cruise Control ready. */
const kafkaCluster = rule(
  'kafka.banzaicloud.io/KafkaCluster',
  [
    [not(present('status.brokersState')), 'Progressing', 'Waiting for KafkaCluster'],
    [
      not(every('status.brokersState', BROKER_IN_SYNC)),
      'Degraded',
      'Broker Config is out of Sync or CruiseControlState is not Ready',
    ],
    [
      all(equals(CRUISE_CONTROL, 'CruiseControlTopicReady'), equals('status.state', 'ClusterRunning')),
      'Healthy',
      'Kafka Brokers, CruiseControl and cluster are in Healthy State.',
    ],
    [
      all(CRUISE_CONTROL_UNREADY, equals('status.state', 'ClusterReconciling')),
      'Progressing',
      'Kafka Cluster is Reconciling.',
    ],
    [
      all(CRUISE_CONTROL_UNREADY, equals('status.state', 'ClusterRollingUpgrading')),
      'Progressing',
      'Kafka Cluster is Rolling Upgrading.',
    ],
  ],
  'Waiting for KafkaCluster',
)

/** What Strimzi's operator says of everything but the Kafka itself. */
const STRIMZI: readonly Line[] = [
  [condition('NotReady', 'True'), 'Degraded', MESSAGE],
  [condition('Ready', 'True'), 'Healthy'],
]

/** What Atlas writes while it works. */
const ATLAS_WORKS = ['Reconciling', 'GettingDevDB']

/** Where several conditions hold the last that was written says most. */
const LAST_CONDITION = { last: last('status.conditions') }

const rabbitKinds = [
  'Binding',
  'Exchange',
  'Federation',
  'Permission',
  'Policy',
  'Queue',
  'SchemaReplication',
  'Shovel',
  'SuperStream',
  'User',
  'Vhost',
]

/** Databases, queues, search. */
export const databaseRules: readonly ShippedRule[] = [
  rule(
    'kafka.strimzi.io/Kafka',
    [
      [condition('NotReady', 'True', { notReasons: ['Creating'] }), 'Degraded', MESSAGE],
      [condition('Ready', 'True'), 'Healthy'],
    ],
    'Waiting for Kafka Cluster',
  ),
  rule(
    ['KafkaBridge', 'KafkaConnector', 'KafkaMirrorMaker', 'KafkaMirrorMaker2', 'KafkaNodePool'].map(
      kind => `kafka.strimzi.io/${kind}`,
    ),
    STRIMZI,
    'Waiting for {kind}',
  ),
  rule('kafka.strimzi.io/KafkaConnect', STRIMZI, 'Waiting for Kafka Connect'),
  rule('kafka.strimzi.io/KafkaTopic', STRIMZI, 'Waiting for Kafka Topic'),
  rule('kafka.strimzi.io/KafkaUser', STRIMZI, 'Waiting for Kafka User'),
  rule(
    'postgresql.cnpg.io/Cluster',
    [
      [
        any(
          equals(['metadata', 'annotations', 'cnpg.io/reconciliationLoop'], 'disabled'),
          equals(['metadata', 'annotations', 'cnpg.io/reconciliation'], 'disabled'),
        ),
        'Suspended',
        'Cluster reconciliation is suspended',
      ],
      [condition('cnpg.io/hibernation', 'True'), 'Suspended', MESSAGE],
      [condition('cnpg.io/hibernation'), 'Degraded', MESSAGE],
      ...phases(
        'status.phase',
        {
          Healthy: 'Cluster in healthy state',
          Progressing: [
            'Setting up primary',
            'Creating a new replica',
            'Upgrading cluster',
            'Waiting for the instances to become active',
            'Promoting to primary cluster',
          ],
          Degraded: [
            'Switchover in progress',
            'Failing over',
            'Upgrading Postgres major version',
            'Cluster upgrade delayed',
            'Waiting for user action',
            'Primary instance is being restarted in-place',
            'Primary instance is being restarted without a switchover',
            'Cluster cannot execute instance online upgrade due to missing architecture binary',
            'Online upgrade in progress',
            'Applying configuration',
          ],
          Suspended: [
            'Unable to create required cluster objects',
            'Cluster cannot proceed to reconciliation due to an unknown plugin being required',
            'Cluster has incomplete or invalid image catalog',
            'Cluster is unrecoverable and needs manual intervention',
          ],
        },
        '{status.phaseReason}',
      ),
      [filled('status.conditions'), 'Unknown', '{status.phaseReason}'],
    ],
    '{status.phaseReason}',
  ),
  rule(
    'acid.zalan.do/postgresql',
    [
      [equals('status.PostgresClusterStatus', 'Running'), 'Healthy', '{status.PostgresClusterStatus}'],
      [equals('status.PostgresClusterStatus', 'Creating', 'Updating'), 'Progressing', '{status.PostgresClusterStatus}'],
      [filled('status.PostgresClusterStatus'), 'Degraded', '{status.PostgresClusterStatus}'],
    ],
    'Waiting for postgres cluster status...',
  ),
  rule(
    'pxc.percona.com/PerconaXtraDBCluster',
    [
      [equals('status.state', 'initializing'), 'Progressing', NODES],
      [equals('status.state', 'ready'), 'Healthy', NODES],
      [equals('status.state', 'paused'), 'Unknown', 'Cluster is paused'],
      [equals('status.state', 'stopping'), 'Degraded', `Cluster is stopping (${NODES})`],
      [equals('status.state', 'error'), 'Degraded', 'Cluster is on error: {status.message}'],
    ],
    ['Unknown', `Cluster status is unknown. ${BUG}`],
  ),
  rule(
    'psmdb.percona.com/PerconaServerMongoDB',
    [
      ...phases(
        'status.state',
        { Progressing: ['initializing', 'stopping'], Healthy: 'ready', Suspended: 'paused', Degraded: 'error' },
        NODES,
      ),
      [present('status'), 'Unknown', NODES],
    ],
    ['Unknown', 'Cluster status is unknown'],
  ),
  rule(
    ['k8s.mariadb.com/MariaDB', 'mariadb.mmontes.io/MariaDB'],
    [
      [someCondition({ statuses: ['False'], reasons: ['Failed'] }), 'Degraded', MESSAGE],
      [someCondition({ statuses: ['False'] }), 'Progressing', MESSAGE],
      [present('status.conditions'), 'Healthy', '{$last.message}'],
    ],
    'No status info available',
    LAST_CONDITION,
  ),
  rule(
    ['k8s.mariadb.com/Database', 'k8s.mariadb.com/Grant', 'k8s.mariadb.com/User', 'k8s.mariadb.com/Connection'],
    [
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
      [condition('Ready'), 'Degraded', MESSAGE],
      [someCondition({}), 'Progressing', '{$last.message}'],
    ],
    'No status info available',
    LAST_CONDITION,
  ),
  rule(
    'k8s.mariadb.com/Backup',
    [
      [
        someCondition({ statuses: ['False'], reasons: ['CronJobScheduled'], messages: ['Failed'] }),
        'Degraded',
        '{condition.reason} {condition.message}',
      ],
      [someCondition({ statuses: ['False'] }), 'Progressing', '{condition.reason} {condition.message}'],
      [present('status.conditions'), 'Healthy', '{$last.reason} {$last.message}'],
    ],
    'No status info available',
    LAST_CONDITION,
  ),
  rule(
    'k8s.mariadb.com/SqlJob',
    [
      [
        someCondition({ statuses: ['True'], reasons: ['JobFailed'] }),
        'Degraded',
        '{condition.reason} {condition.message}',
      ],
      [
        someCondition({ statuses: ['True'], reasons: ['JobComplete'] }),
        'Healthy',
        '{condition.reason} {condition.message}',
      ],
      [someCondition({}), 'Progressing', '{$last.reason} {$last.message}'],
    ],
    'No status info available',
    LAST_CONDITION,
  ),
  rule(
    'clickhouse.altinity.com/ClickHouseInstallation',
    [
      [equals('status.status', 'Completed'), 'Healthy', 'ClickHouse installation completed successfully'],
      [equals('status.status', 'InProgress'), 'Progressing', 'ClickHouse installation in progress'],
      [present('status.status'), 'Degraded', 'ClickHouse status: {status.status}'],
    ],
    'ClickHouse status not yet available',
  ),
  rule(
    'clickhouse-keeper.altinity.com/ClickHouseKeeperInstallation',
    [
      [equals('status.status', 'Completed'), 'Healthy', 'ClickHouseKeeper installation completed successfully'],
      [equals('status.status', 'InProgress'), 'Progressing', 'ClickHouseKeeper installation in progress'],
      [present('status.status'), 'Degraded', 'ClickHouseKeeper status: {status.status}'],
    ],
    'ClickHouseKeeper status not yet available',
  ),
  rule(
    ['db.atlasgo.io/AtlasSchema', 'db.atlasgo.io/AtlasMigration'],
    [
      [condition('Ready', 'True'), 'Healthy', REASON],
      [condition('Ready', undefined, { reasons: ATLAS_WORKS }), 'Progressing', REASON],
      [condition('Ready', undefined, { messages: ATLAS_WORKS }), 'Progressing', REASON],
      [condition('Ready'), 'Degraded', REASON],
    ],
    'Waiting for Atlas Operator',
  ),
  elasticsearch,
  rule('beat.k8s.elastic.co/Beat', BEAT, ['Unknown', `Elastic Beat status is unknown. ${BUG}`]),
  rule(
    'logstash.k8s.elastic.co/Logstash',
    [
      [equals('status.health', 'red'), 'Degraded', 'Logstash status is Red'],
      [equals('status.health', 'yellow'), 'Progressing', 'Logstash status is Yellow'],
      [equals('status.health', 'green'), 'Healthy', 'Logstash status is Green'],
    ],
    'Waiting for Logstash',
  ),
  kafkaCluster,
  rule(
    ['Kafka', 'KafkaRestProxy', 'Connect', 'ControlCenter', 'KsqlDB', 'SchemaRegistry', 'Zookeeper'].map(
      kind => `platform.confluent.io/${kind}`,
    ),
    [
      [equals('status.phase', 'RUNNING'), 'Healthy', '{kind} running'],
      [equals('status.phase', 'PROVISIONING'), 'Progressing', '{kind} provisioning'],
    ],
    'Waiting for {kind}',
  ),
  rule(
    'platform.confluent.io/Connector',
    [
      [
        all(
          equals('status.state', 'CREATED'),
          equals('status.connectorState', 'RUNNING'),
          not(present('status.failedTasksCount')),
        ),
        'Healthy',
        'Connector running',
      ],
      [all(equals('status.state', 'ERROR'), someCondition({})), 'Degraded', MESSAGE],
      [equals('status.state', 'ERROR'), 'Degraded', 'No conditions available'],
      [compare('status.failedTasksCount', '>', 0), 'Degraded', 'Connector has failed tasks'],
    ],
    'Waiting for Kafka Connector',
  ),
  rule(
    'zookeeper.pravega.io/ZookeeperCluster',
    [
      [
        all(compare('status.readyReplicas', '>', 0), compare('status.readyReplicas', '=', 'status.replicas')),
        'Healthy',
        'All ZK Nodes have joined the ensemble',
      ],
    ],
    'Waiting for ZK Nodes to join the ensemble',
  ),
  rule(
    'solr.apache.org/SolrCloud',
    [
      [not(present('status.solrNodes')), 'Progressing', 'Waiting for solr to exist'],
      [every('status.solrNodes', equals('entry.ready', true)), 'Healthy', 'Solr is ready'],
    ],
    'Not all replicas are ready',
  ),
  rule(
    'rabbitmq.com/RabbitmqCluster',
    [
      [condition('ReconcileSuccess', 'False'), 'Degraded', MESSAGE],
      [
        condition(['ClusterAvailable', 'AllReplicasReady'], 'Unknown'),
        'Progressing',
        'Waiting for RabbitMQ cluster readiness (conditions unknown)',
      ],
      [
        all(condition('AllReplicasReady', 'False', { reasons: ['ScaledToZero'] }), equals('spec.replicas', 0)),
        'Suspended',
        'RabbitmqCluster is scaled to 0 replicas',
      ],
      [condition('ClusterAvailable', 'False'), 'Progressing', 'Waiting for RabbitMQ cluster formation'],
      [condition('AllReplicasReady', 'False'), 'Progressing', 'Waiting for RabbitMQ instances ready'],
      [
        all(condition('ClusterAvailable', 'True'), condition('AllReplicasReady', 'True')),
        'Healthy',
        'RabbitMQ cluster ready',
      ],
    ],
    'Waiting for RabbitMQ Operator',
  ),
  ...rabbitKinds.map(kind =>
    rule(
      `rabbitmq.com/${kind}`,
      [
        [
          condition('Ready', 'True', { reasons: ['SuccessfulCreateOrUpdate'] }),
          'Healthy',
          `RabbitMQ ${kind.toLowerCase()} ready`,
        ],
        [
          condition('Ready', 'False', { reasons: ['FailedCreateOrUpdate'] }),
          'Degraded',
          `RabbitMQ ${kind.toLowerCase()} failed to be created or updated`,
        ],
      ],
      ['Unknown', `RabbitMQ ${kind.toLowerCase()} status is unknown`],
    ),
  ),
  rule(
    'minio.min.io/Tenant',
    [
      [equals('status.currentState', 'Initialized'), 'Healthy', '{status.currentState}'],
      [
        any(
          ...[
            'Statefulset not controlled by operator',
            'Another MinIO Tenant already exists in the namespace',
            'Tenant credentials are not set properly',
            'Different versions across MinIO Pools',
            'Pool Decommissioning Not Allowed',
          ].map(state => equals('status.currentState', state)),
        ),
        'Degraded',
        '{status.currentState}',
      ],
      [present('status.currentState'), 'Progressing', '{status.currentState}'],
    ],
    'No status info available',
  ),
]
