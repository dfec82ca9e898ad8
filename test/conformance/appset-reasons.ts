import { NOT_BUILT } from './suite.ts'

const EVENT_FILTER = 'Kubernetes event filters: the hub watches no Kubernetes API'
const CLUSTER_WRITES = 'writes to a Kubernetes API that the hub does not have'

/** Why operations of the appset suite are not run. */
export const APPSET_NOT_APPLICABLE: { readonly [operation: string]: string } = {
  'controllers.getApplicationOwnsHandler.*': EVENT_FILTER,
  'controllers.getApplicationSetOwnsHandler.*': EVENT_FILTER,
  'controllers.ignoreNotAllowedNamespaces.*': EVENT_FILTER,
  'controllers.clusterSecretEventHandler.*': EVENT_FILTER,
  'controllers.shouldRequeueForApplicationSet': EVENT_FILTER,
  'controllers.ApplicationSetReconciler.removeOwnerReferencesOnDeleteAppSet': CLUSTER_WRITES,
  'controllers.ApplicationSetReconciler.migrateStatus': CLUSTER_WRITES,
  'utils.GetSecretRef': 'secrets are named in hub.yaml, not read from a cluster',
  'utils.GetConfigMapData': 'configuration is read from Git, not from a cluster',
  'generators.getDefaultRequeueAfter':
    'the default is a setting of the hub, not an environment variable of a controller',

  'progressivesync.*': `${NOT_BUILT}: rollouts`,
  'controllers.ApplicationSetReconciler.setAppSetApplicationStatus': `${NOT_BUILT}: rollouts`,
}
