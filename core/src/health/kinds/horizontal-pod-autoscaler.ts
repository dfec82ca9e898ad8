import { parseJson } from '../../json/parse-json.ts'
import { type KubernetesObject, versionOf } from '../../model/kubernetes-object.ts'
import { type Condition, conditionsOf, readCondition } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

const CONDITIONS_ANNOTATION = 'autoscaling.alpha.kubernetes.io/conditions'

const FAILURES: { readonly [type: string]: readonly string[] | undefined } = {
  AbleToScale: ['FailedGetScale', 'FailedUpdateScale'],
  ScalingActive: [
    'FailedGetResourceMetric',
    'FailedGetObjectMetric',
    'FailedGetPodsMetric',
    'FailedGetExternalMetric',
    'FailedComputeMetricsReplicas',
    'InvalidSelector',
  ],
}

export const horizontalPodAutoscalerHealth: HealthRule = object => {
  const conditions = versionOf(object.apiVersion) === 'v1' ? annotatedConditions(object) : conditionsOf(object)
  if (conditions === undefined) return health('Unknown', `annotation ${CONDITIONS_ANNOTATION} is not a list in JSON`)
  if (conditions.length === 0) return health('Progressing', 'Waiting to Autoscale')
  const failed = conditions.find(
    ({ type, reason }) => Object.hasOwn(FAILURES, type) && FAILURES[type]?.includes(reason),
  )
  if (failed) return health('Degraded', failed.message)
  const healthy = conditions.find(
    ({ type, status }) => (type === 'AbleToScale' || type === 'ScalingLimited') && status === 'True',
  )
  return healthy ? health('Healthy', healthy.message) : health('Progressing', 'Waiting to Autoscale')
}

/** The v1 API has no conditions; the controller writes them into an annotation. Undefined when it cannot be read. */
function annotatedConditions(object: KubernetesObject): readonly Condition[] | undefined {
  const text = object.metadata.annotations?.[CONDITIONS_ANNOTATION]
  if (text === undefined || text === '') return []
  try {
    const parsed = parseJson(text)
    return Array.isArray(parsed) ? parsed.map(readCondition) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
