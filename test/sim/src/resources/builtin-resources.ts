import { kubernetesTypes } from '../schema/kubernetes-types.ts'
import { ALL_VERBS, type ResourceType, type ScalePaths } from './resource-type.ts'

/**
 * One line a resource: group/version (`v1` for the core group), Kind, plural, short names (`-` for none) and words:
 * `cluster` (not namespaced), `status`, `scale`, `all` (the category), `create-only`, `no-collection` (no deletecollection).
 */
const TABLE = `
v1 Namespace namespaces ns cluster status no-collection
v1 ConfigMap configmaps cm
v1 Secret secrets -
v1 Service services svc status all
v1 ServiceAccount serviceaccounts sa
v1 Pod pods po status all
v1 PodTemplate podtemplates -
v1 PersistentVolumeClaim persistentvolumeclaims pvc status
v1 PersistentVolume persistentvolumes pv cluster status
v1 Event events ev
v1 Endpoints endpoints ep
v1 LimitRange limitranges limits
v1 ResourceQuota resourcequotas quota status
v1 ReplicationController replicationcontrollers rc status scale all
v1 Node nodes no cluster status
apps/v1 Deployment deployments deploy status scale all
apps/v1 ReplicaSet replicasets rs status scale all
apps/v1 StatefulSet statefulsets sts status scale all
apps/v1 DaemonSet daemonsets ds status all
apps/v1 ControllerRevision controllerrevisions -
batch/v1 Job jobs - status all
batch/v1 CronJob cronjobs cj status all
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers hpa status all
networking.k8s.io/v1 Ingress ingresses ing status
networking.k8s.io/v1 IngressClass ingressclasses - cluster
networking.k8s.io/v1 NetworkPolicy networkpolicies netpol
rbac.authorization.k8s.io/v1 Role roles -
rbac.authorization.k8s.io/v1 RoleBinding rolebindings -
rbac.authorization.k8s.io/v1 ClusterRole clusterroles - cluster
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings - cluster
policy/v1 PodDisruptionBudget poddisruptionbudgets pdb status
storage.k8s.io/v1 StorageClass storageclasses sc cluster
storage.k8s.io/v1 CSIDriver csidrivers - cluster
coordination.k8s.io/v1 Lease leases -
discovery.k8s.io/v1 EndpointSlice endpointslices -
events.k8s.io/v1 Event events ev
node.k8s.io/v1 RuntimeClass runtimeclasses - cluster
scheduling.k8s.io/v1 PriorityClass priorityclasses pc cluster
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations - cluster
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations - cluster
admissionregistration.k8s.io/v1 MutatingAdmissionPolicy mutatingadmissionpolicies - cluster
admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding mutatingadmissionpolicybindings - cluster
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies - cluster status
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings - cluster
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions crd,crds cluster status
apiregistration.k8s.io/v1 APIService apiservices - cluster status
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews - cluster create-only
authentication.k8s.io/v1 TokenReview tokenreviews - cluster create-only
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews - cluster create-only
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews - cluster create-only
authorization.k8s.io/v1 SubjectAccessReview subjectaccessreviews - cluster create-only
authorization.k8s.io/v1 LocalSubjectAccessReview localsubjectaccessreviews - create-only
`

const SCALE: ScalePaths = { spec: '.spec.replicas', status: '.status.replicas' }

let built: readonly ResourceType[] | undefined

/** The kinds every cluster serves, made once per process. */
export function builtinResources(): readonly ResourceType[] {
  built ??= TABLE.trim().split('\n').map(readLine)
  return built
}

function readLine(line: string): ResourceType {
  const [apiVersion, kind, plural, shortNames, ...words] = line.split(' ') as [string, string, string, string]
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const schema = kubernetesTypes().kinds.get(`${group}/${version}/${kind}`)
  if (!schema) throw new Error(`kubernetes.types does not know ${line}`)
  const has = (word: string) => (words as string[]).includes(word)
  return {
    group,
    version,
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    shortNames: shortNames === '-' ? [] : shortNames.split(','),
    categories: has('all')
      ? ['all']
      : apiVersion.startsWith('admissionregistration') || apiVersion.startsWith('api')
        ? ['api-extensions']
        : [],
    namespaced: !has('cluster'),
    verbs: has('create-only')
      ? ['create']
      : has('no-collection')
        ? ALL_VERBS.filter(verb => verb !== 'deletecollection')
        : ALL_VERBS,
    schema,
    hasStatus: has('status'),
    ...(has('scale') ? { scale: SCALE } : {}),
    // The two groups of events are one store.
    storageKey: kind === 'Event' ? '/events' : `${group}/${plural}`,
  }
}
