import { ruleOf } from './data/rule-of.ts'
import { type RuleTable, ruleTable } from './find-rule.ts'
import type { HealthRuleEntry } from './health-rule.ts'
import { apiServiceHealth } from './kinds/api-service.ts'
import { argoWorkflowHealth } from './kinds/argo-workflow.ts'
import { customResourceDefinitionHealth } from './kinds/custom-resource-definition.ts'
import { daemonSetHealth } from './kinds/daemon-set.ts'
import { deploymentHealth } from './kinds/deployment.ts'
import { customResourceDefinition, describedKinds } from './kinds/described-kinds.ts'
import { horizontalPodAutoscalerHealth } from './kinds/horizontal-pod-autoscaler.ts'
import { ingressHealth } from './kinds/ingress.ts'
import { jobHealth } from './kinds/job.ts'
import { persistentVolumeClaimHealth } from './kinds/persistent-volume-claim.ts'
import { podHealth } from './kinds/pod.ts'
import { replicaSetHealth } from './kinds/replica-set.ts'
import { serviceHealth } from './kinds/service.ts'
import { statefulSetHealth } from './kinds/stateful-set.ts'
import { SHIPPED_RULES } from './rules/shipped-rules.ts'

/** Kubernetes' own kinds and Argo's Workflow. A new rule is a file and a line here. */
const BUILT_IN: readonly (readonly [string, HealthRuleEntry])[] = [
  ['apps/Deployment', { versions: ['v1'], assess: deploymentHealth }],
  ['apps/StatefulSet', { versions: ['v1'], assess: statefulSetHealth }],
  ['apps/DaemonSet', { versions: ['v1'], assess: daemonSetHealth }],
  ['apps/ReplicaSet', { versions: ['v1'], assess: replicaSetHealth }],
  ['Pod', { versions: ['v1'], assess: podHealth }],
  ['batch/Job', { versions: ['v1'], assess: jobHealth }],
  ['PersistentVolumeClaim', { versions: ['v1'], assess: persistentVolumeClaimHealth }],
  ['Service', { versions: ['v1'], assess: serviceHealth }],
  ['networking.k8s.io/Ingress', { assess: ingressHealth }],
  ['extensions/Ingress', { assess: ingressHealth }],
  ['autoscaling/HorizontalPodAutoscaler', { versions: ['v1', 'v2'], assess: horizontalPodAutoscalerHealth }],
  ['apiregistration.k8s.io/APIService', { versions: ['v1', 'v1beta1'], assess: apiServiceHealth }],
  [
    'apiextensions.k8s.io/CustomResourceDefinition',
    { assess: customResourceDefinitionHealth, data: customResourceDefinition.data },
  ],
  ['argoproj.io/Workflow', { assess: argoWorkflowHealth }],
] as const

/** Every rule that we bring, by `group/Kind`, or `Kind` for the core group; a key may have `*` for any text. */
export const HEALTH_RULES: RuleTable<HealthRuleEntry> = ruleTable([
  ...[...SHIPPED_RULES, ...describedKinds].flatMap(({ kinds, data }) => {
    const assess = ruleOf(data)
    return kinds.map(kind => [kind, { assess, data }] as const)
  }),
  ...BUILT_IN,
])
