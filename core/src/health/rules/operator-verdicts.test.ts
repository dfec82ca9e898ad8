import { expect, it } from 'vitest'
import type { JsonObject } from '../../json/json.ts'
import { assessHealth } from '../assess-health.ts'

const of = (...conditions: readonly JsonObject[]): JsonObject => ({ conditions })
const is = (type: string, status: string, reason = '', message = ''): JsonObject => ({ type, status, reason, message })
/** An answer of a Gateway, about generation 2 where it says one. */
const from = (name: string, ...conditions: readonly JsonObject[]): JsonObject => ({
  parentRef: { name },
  ancestorRef: { name },
  conditions,
})
const GENERATION = { name: 'a', generation: 2 }

interface Row {
  readonly kind: string
  readonly status?: JsonObject
  readonly spec?: JsonObject
  readonly metadata?: JsonObject
  readonly says: readonly [status: string, message: string]
}

/** What operators' kinds say at the edges of their rules. */
const ROWS: Readonly<Record<string, Row>> = {
  "an AnalysisRun's own words come before ours when it went well, too": {
    kind: 'argoproj.io/AnalysisRun',
    status: { phase: 'Successful', message: 'latency was low' },
    says: ['Healthy', 'latency was low'],
  },
  'an Experiment that has not begun is pending': {
    kind: 'argoproj.io/Experiment',
    status: { phase: 'Pending' },
    says: ['Progressing', 'Experiment is pending'],
  },
  'a CronWorkflow that has run its last says so': {
    kind: 'argoproj.io/CronWorkflow',
    status: of(is('Completed', 'True', '', 'reached its end')),
    says: ['Healthy', 'reached its end'],
  },
  'a Rollout without annotations is of before its workload had a generation': {
    kind: 'argoproj.io/Rollout',
    spec: { workloadRef: { name: 'web' } },
    status: { observedGeneration: '2', workloadObservedGeneration: '4', phase: 'Healthy' },
    says: ['Healthy', ''],
  },
  'a Rollout whose workload has changed has not looked yet': {
    kind: 'argoproj.io/Rollout',
    metadata: { ...GENERATION, annotations: { 'rollout.argoproj.io/workload-generation': '5' } },
    spec: { workloadRef: { name: 'web' } },
    status: { observedGeneration: '2', workloadObservedGeneration: '4', phase: 'Healthy' },
    says: ['Progressing', 'Waiting for rollout spec update to be observed'],
  },
  'an ExternalSecret that is read on change is not believed about what it has read since': {
    kind: 'external-secrets.io/ExternalSecret',
    spec: { refreshPolicy: 'OnChange' },
    status: {
      ...of({ ...is('Ready', 'True', '', 'synced'), lastTransitionTime: '2026-01-01T10:00:00Z' }),
      refreshTime: '2026-01-01T11:00:00Z',
    },
    says: ['Progressing', 'Waiting for ExternalSecret'],
  },
  'an ExternalSecret that is read on a schedule is believed whenever its condition changed': {
    kind: 'external-secrets.io/ExternalSecret',
    status: {
      ...of({ ...is('Ready', 'True', '', 'synced'), lastTransitionTime: '2026-01-01T10:00:00Z' }),
      refreshTime: '2026-01-01T11:00:00Z',
    },
    says: ['Healthy', 'synced'],
  },
  'an ACME challenge that failed gives its reason': {
    kind: 'acme.cert-manager.io/Challenge',
    status: { state: 'invalid', reason: 'no such record' },
    says: ['Degraded', 'no such record'],
  },
  'an ACME order that failed without a reason gives its state': {
    kind: 'acme.cert-manager.io/Order',
    status: { state: 'expired' },
    says: ['Degraded', 'Order is expired'],
  },
  'an ACME order under way does not quote a reason': {
    kind: 'acme.cert-manager.io/Order',
    status: { state: 'pending', reason: 'of an earlier try' },
    says: ['Progressing', 'Order is pending'],
  },
  'an EC2NodeClass without subnets is degraded before it is ready or not': {
    kind: 'karpenter.k8s.aws/EC2NodeClass',
    status: of(is('Ready', 'Unknown'), is('SubnetsReady', 'False', '', 'no subnet')),
    says: ['Degraded', 'no subnet'],
  },
  'a Composition with an empty status has nothing to say': {
    kind: 'apiextensions.crossplane.io/Composition',
    status: {},
    says: ['Healthy', 'Resource is up-to-date.'],
  },
  'an Upbound kind that writes a status is waited for when it is empty': {
    kind: 'ec2.aws.upbound.io/Instance',
    status: {},
    says: ['Progressing', 'Provisioning ...'],
  },
  'a managed resource whose conditions are empty is neither ready nor synced': {
    kind: 'rds.aws.crossplane.io/DBInstance',
    status: of(),
    says: ['Degraded', ''],
  },
  'a stack that is not known to be ready gives the reason': {
    kind: 'stacks.crossplane.io/ClusterStackInstall',
    status: { conditionedStatus: of(is('Ready', 'Unknown', 'Installing')) },
    says: ['Progressing', 'Installing'],
  },
  'a Kafka that is being made is waited for': {
    kind: 'kafka.strimzi.io/Kafka',
    status: of(is('NotReady', 'True', 'Creating', 'making it')),
    says: ['Progressing', 'Waiting for Kafka Cluster'],
  },
  'a paused database says that nobody looks after it': {
    kind: 'postgresql.cnpg.io/Cluster',
    metadata: { ...GENERATION, annotations: { 'cnpg.io/reconciliation': 'disabled' } },
    says: ['Suspended', 'Cluster reconciliation is suspended'],
  },
  'a MariaDB that is well says what it wrote last': {
    kind: 'k8s.mariadb.com/MariaDB',
    status: of(is('Ready', 'True', '', 'Running'), is('Updated', 'True', '', 'Up to date')),
    says: ['Healthy', 'Up to date'],
  },
  'a database user of which nothing is known is degraded': {
    kind: 'k8s.mariadb.com/User',
    status: of(is('Ready', 'Unknown', '', 'no answer')),
    says: ['Degraded', 'no answer'],
  },
  'a database of which other things are known is on its way': {
    kind: 'k8s.mariadb.com/Database',
    status: of(is('Waiting', 'True', '', 'for MariaDB')),
    says: ['Progressing', 'for MariaDB'],
  },
  'a migration under way is no failure': {
    kind: 'db.atlasgo.io/AtlasMigration',
    status: of(is('Ready', 'False', 'Reconciling')),
    says: ['Progressing', 'Reconciling'],
  },
  'a schema that waits for its scratch database is no failure': {
    kind: 'db.atlasgo.io/AtlasSchema',
    status: of(is('Ready', 'False', 'Started', 'GettingDevDB')),
    says: ['Progressing', 'Started'],
  },
  'a migration that was never looked at waits for the operator': {
    kind: 'db.atlasgo.io/AtlasMigration',
    says: ['Progressing', 'Waiting for Atlas Operator'],
  },
  'a source says why its artifact is of an earlier revision': {
    kind: 'source.toolkit.fluxcd.io/GitRepository',
    status: of(is('ArtifactOutdated', 'True', 'NewRevision'), is('Ready', 'False', 'GitOperationFailed')),
    says: ['Degraded', 'GitOperationFailed NewRevision'],
  },
  'an image repository that is being scanned is on its way': {
    kind: 'image.toolkit.fluxcd.io/ImageRepository',
    status: of(is('Reconciling', 'True', 'Scanning'), is('Ready', 'False', 'Progressing')),
    says: ['Progressing', 'Progressing'],
  },
  'an image repository that tries again has failed': {
    kind: 'image.toolkit.fluxcd.io/ImageRepository',
    status: of(is('Reconciling', 'True', 'ProgressingWithRetry'), is('Ready', 'False', 'ReadOperationFailed')),
    says: ['Degraded', 'ReadOperationFailed'],
  },
  'a DeploymentConfig that has counted nothing yet is waited for': {
    kind: 'apps.openshift.io/DeploymentConfig',
    status: of(is('Available', 'False')),
    says: ['Progressing', 'replication controller is waiting for pods to run'],
  },
  'a ClusterPolicy that could not be loaded is degraded': {
    kind: 'kyverno.io/ClusterPolicy',
    status: of(is('Ready', 'False', 'Failed', 'no such field')),
    says: ['Degraded', 'no such field'],
  },
  'an AppVault in a state that nobody knows is waited for': {
    kind: 'astra.netapp.io/AppVault',
    status: { state: 'probing' },
    says: ['Progressing', 'No status available'],
  },
  'an AppVault that failed says that it has': {
    kind: 'astra.netapp.io/AppVault',
    status: { state: 'Failed' },
    says: ['Degraded', 'AppVault Failed'],
  },
  'a 3scale user that waits for approval is suspended': {
    kind: 'capabilities.3scale.net/DeveloperUser',
    status: { developerUserState: 'suspended' },
    says: ['Suspended', '3scale Developer user is waiting for admin approval'],
  },
  'a 3scale Application that has an id may be unready for a while': {
    kind: 'capabilities.3scale.net/Application',
    status: { adminId: 7, ...of(is('Ready', 'False', '', 'changing')) },
    says: ['Progressing', 'Waiting for 3scale Application status...'],
  },
  'a 3scale Tenant without its ids is not ready, whatever it says': {
    kind: 'capabilities.3scale.net/Tenant',
    status: { tenantId: 0, adminId: 0, ...of(is('Ready', 'True')) },
    says: ['Progressing', 'Waiting for 3scale Tenant status...'],
  },
  'a 3scale Tenant with both is': {
    kind: 'capabilities.3scale.net/Tenant',
    status: { tenantId: 3, adminId: 4, ...of(is('Ready', 'True')) },
    says: ['Healthy', '3scale Tenant is ready'],
  },
  'storage that says nothing is of unknown health': {
    kind: 'ocs.openshift.io/StorageCluster',
    status: of(is('Upgradeable', 'True')),
    says: ['Unknown', 'StorageCluster is in an unknown state.'],
  },
  'a web request of which nothing is known': {
    kind: 'promoter.argoproj.io/WebRequestCommitStatus',
    status: of(is('Ready', 'Unknown', 'Timeout', 'no answer')),
    says: ['Progressing', 'Web request commit validation unknown (Timeout): no answer'],
  },
  'a rollout of pipelines under way comes before what has failed': {
    kind: 'numaplane.numaproj.io/PipelineRollout',
    status: { observedGeneration: 2, upgradeInProgress: 'Progressive', phase: 'Failed', message: 'of before' },
    says: ['Progressing', 'Update in progress'],
  },
  'a rollout of pipelines whose upgrade has failed is not under way': {
    kind: 'numaplane.numaproj.io/PipelineRollout',
    status: {
      observedGeneration: 2,
      upgradeInProgress: 'Progressive',
      ...of(is('ProgressiveUpgradeSucceeded', 'False')),
    },
    says: ['Degraded', 'Progressive upgrade failed'],
  },
  'a rollout that says nothing of its child is of unknown health': {
    kind: 'numaplane.numaproj.io/ISBServiceRollout',
    status: { observedGeneration: 2, phase: 'Deployed' },
    says: ['Unknown', 'Unknown ISBService status'],
  },
  'a TLSRoute that one Gateway refused is degraded while another works on it': {
    kind: 'gateway.networking.k8s.io/TLSRoute',
    status: { parents: [from('b', is('Programmed', 'False')), from('a', is('Accepted', 'False', '', 'no'))] },
    says: ['Degraded', 'Parent a: no'],
  },
  'a TLSRoute needs both yeses of one Gateway': {
    kind: 'gateway.networking.k8s.io/TLSRoute',
    status: { parents: [from('a', is('Accepted', 'True'))] },
    says: ['Progressing', 'Parent a: Waiting for TLSRoute conditions'],
  },
  'a TLSRoute is not well by what was said of an earlier generation': {
    kind: 'gateway.networking.k8s.io/TLSRoute',
    status: {
      parents: [from('a', { ...is('Accepted', 'True'), observedGeneration: 1 }, is('ResolvedRefs', 'True'))],
    },
    says: ['Progressing', 'Waiting for TLSRoute status'],
  },
  'a TLSRoute is well with both': {
    kind: 'gateway.networking.k8s.io/TLSRoute',
    status: { parents: [from('a', is('Accepted', 'True'), is('ResolvedRefs', 'True'))] },
    says: ['Healthy', 'TLSRoute is healthy'],
  },
  'a proxy that includes others is well when it says so': {
    kind: 'projectcontour.io/HTTPProxy',
    spec: { includes: [{ name: 'shop' }] },
    status: { description: 'Valid HTTPProxy', ...of({ ...is('Valid', 'True'), observedGeneration: 2 }) },
    says: ['Healthy', 'Valid HTTPProxy'],
  },
  'a proxy that includes others is not waited for': {
    kind: 'projectcontour.io/HTTPProxy',
    spec: { includes: [{ name: 'shop' }] },
    status: { description: 'not found', ...of({ ...is('Valid', 'False'), observedGeneration: 2 }) },
    says: ['Healthy', 'HTTPProxy inclusions cannot be health checked'],
  },
  'a proxy that nobody has looked at yet says what its status says': {
    kind: 'projectcontour.io/HTTPProxy',
    status: { currentStatus: 'NotReconciled', description: 'Waiting for controller' },
    says: ['Progressing', 'Waiting for controller'],
  },
  'a MinIO tenant without credentials': {
    kind: 'minio.min.io/Tenant',
    status: { currentState: 'Tenant credentials are not set properly' },
    says: ['Degraded', 'Tenant credentials are not set properly'],
  },
  'a job of a kind of state that nobody knows is waited for': {
    kind: 'tower.ansible.com/AnsibleJob',
    status: { ansibleJobResult: { status: 'odd', url: 'https://tower' } },
    says: ['Progressing', 'Waiting for AnsibleJob'],
  },
  'a scaled object that is paused and broken says that it is paused': {
    kind: 'keda.sh/ScaledObject',
    status: of(is('Ready', 'False', '', 'no target'), is('Paused', 'True', '', 'paused by hand')),
    says: ['Degraded', 'paused by hand'],
  },
  'a deployment of Flink that was never looked at waits for the operator': {
    kind: 'flink.apache.org/FlinkDeployment',
    status: { jobManagerDeploymentStatus: 'ERROR' },
    says: ['Progressing', 'Waiting for Flink operator'],
  },
  'a model whose parts are not ready yet is waited for, though they say False': {
    kind: 'serving.kserve.io/InferenceService',
    status: of(is('Ready', 'False', 'NotYet'), is('Stopped', 'False')),
    says: ['Progressing', ' | 1: Ready | False | NotYet'],
  },
  'a model that cannot be loaded has failed': {
    kind: 'serving.kserve.io/InferenceService',
    status: { modelStatus: { transitionStatus: 'BlockedByFailedLoad' }, ...of(is('Ready', 'Unknown')) },
    says: ['Degraded', '0: transitionStatus | BlockedByFailedLoad | 1: Ready | Unknown'],
  },
  'Spark Streaming has bounds of its own': {
    kind: 'sparkoperator.k8s.io/SparkApplication',
    spec: {
      executor: { instances: 9 },
      sparkConf: {
        'spark.streaming.dynamicAllocation.enabled': 'true',
        'spark.streaming.dynamicAllocation.maxExecutors': '3',
        'spark.dynamicAllocation.enabled': 'true',
        'spark.dynamicAllocation.minExecutors': '5',
      },
    },
    status: { applicationState: { state: 'RUNNING' }, executorState: { a: 'RUNNING', b: 'PENDING' } },
    says: ['Healthy', 'SparkApplication is Running'],
  },
  'Spark without executors may be what its bounds allow': {
    kind: 'sparkoperator.k8s.io/SparkApplication',
    spec: { executor: {}, dynamicAllocation: { enabled: true, maxExecutors: 2 } },
    status: { applicationState: { state: 'RUNNING' }, executorState: {} },
    says: ['Healthy', 'SparkApplication is Running'],
  },
  'Spark with more executors than its bounds allow': {
    kind: 'sparkoperator.k8s.io/SparkApplication',
    spec: { executor: {}, dynamicAllocation: { enabled: true, maxExecutors: 1 } },
    status: { applicationState: { state: 'RUNNING' }, executorState: { a: 'RUNNING', b: 'RUNNING' } },
    says: ['Progressing', 'Waiting for Executor pods'],
  },
  'an upgrade that waits for approval is told as if it were not there, at its place in the list': {
    kind: 'operators.coreos.com/Subscription',
    spec: { installPlanApproval: 'Manual' },
    status: {
      installedCSV: 'a',
      state: 'UpgradePending',
      ...of(is('InstallPlanPending', 'True', 'RequiresApproval'), is('CatalogSourcesUnhealthy', 'False')),
    },
    says: ['Healthy', "2: CatalogSourcesUnhealthy | False\n.status.state is 'AtLatestKnown'\n"],
  },
  'an upgrade that is available but has no plan is still on its way': {
    kind: 'operators.coreos.com/Subscription',
    spec: { installPlanApproval: 'Manual' },
    status: {
      installedCSV: 'a',
      state: 'UpgradeAvailable',
      ...of(is('InstallPlanPending', 'True', 'RequiresApproval')),
    },
    says: ['Progressing', ".status.state is 'UpgradeAvailable'\n"],
  },
  'a ListenerSet whose listener clashes with another is degraded': {
    kind: 'gateway.networking.k8s.io/ListenerSet',
    status: { ...of(is('Accepted', 'True')), listeners: [of({ type: 'Conflicted', status: 'True' })] },
    says: ['Degraded', 'Listener: Listener is conflicted'],
  },
  'a ListenerSet that is not in the data plane yet is waited for': {
    kind: 'gateway.networking.k8s.io/ListenerSet',
    status: of({ type: 'Programmed', status: 'False' }),
    says: ['Progressing', 'ListenerSet is still being programmed'],
  },
  'a ListenerSet whose listeners have no trouble is well': {
    kind: 'gateway.networking.k8s.io/ListenerSet',
    status: { ...of(is('Programmed', 'True')), listeners: [of(is('Programmed', 'True'))] },
    says: ['Healthy', 'ListenerSet is healthy'],
  },
  "an Airlock policy's answer without a generation is not believed": {
    kind: 'microgateway.airlock.com/AccessControlPolicy',
    status: { ancestors: [from('gate', is('Accepted', 'True'))] },
    says: ['Progressing', 'Waiting for Ancestor gate to update AccessControlPolicy status'],
  },
  'an Airlock policy without its target is refused': {
    kind: 'microgateway.airlock.com/AccessControlPolicy',
    status: {
      ancestors: [from('gate', { ...is('Accepted', 'False', 'TargetNotFound', 'gone'), observedGeneration: 2 })],
    },
    says: ['Degraded', 'Ancestor gate: gone'],
  },
  'a BackendTLSPolicy that a stranger refused is nobody’s trouble': {
    kind: 'gateway.networking.k8s.io/BackendTLSPolicy',
    status: {
      ancestors: [
        from('theirs', is('Accepted', 'False', 'TargetNotFound', 'gone')),
        from('ours', is('Accepted', 'True')),
      ],
    },
    says: ['Healthy', 'BackendTLSPolicy is healthy'],
  },
}

it.each(Object.entries(ROWS))('%s', (_, { kind, says, ...parts }) => {
  const slash = kind.indexOf('/')
  const object = {
    apiVersion: `${kind.slice(0, slash)}/v1`,
    kind: kind.slice(slash + 1),
    metadata: GENERATION,
    ...parts,
  }
  expect({ message: '', ...assessHealth(object, { strictArgo: true }) }).toEqual({ status: says[0], message: says[1] })
})
