import type { Json } from '../../json/json.ts'
import { listAt, numberAt, objectAt, textAt, valueAt } from '../../json/read-json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Health } from '../../model/status.ts'
import { conditionsOf } from '../conditions.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const podHealth: HealthRule = object => {
  const longLived = isLongLived(object)
  const containers = listAt(object, 'status', 'containerStatuses')
  if (longLived) {
    const failing = containers.map(container => objectAt(container, 'state', 'waiting')).filter(isFailingWait)
    if (failing.length > 0) return health('Degraded', failing.map(waiting => textAt(waiting, 'message')).join(', '))
  }
  const message = textAt(object, 'status', 'message')
  switch (textAt(object, 'status', 'phase')) {
    case 'Pending':
      return health('Progressing', message)
    case 'Succeeded':
      return health('Healthy', message)
    case 'Failed':
      return health('Degraded', message || failureOf(object))
    case 'Running':
      // A Pod that is to end counts as done only once it has ended.
      return longLived ? runningHealth(object, containers, message) : health('Progressing', message)
    default:
      return health('Unknown', message)
  }
}

function runningHealth(object: KubernetesObject, containers: readonly Json[], message: string): Health {
  const ready = conditionsOf(object).some(({ type, status }) => type === 'Ready' && status === 'True')
  if (ready) return health('Healthy', message)
  const crashed = containers.some(container => valueAt(container, 'lastState', 'terminated') !== undefined)
  return health(crashed ? 'Degraded' : 'Progressing', message)
}

function isLongLived(object: KubernetesObject): boolean {
  if (textAt(object, 'spec', 'restartPolicy') === 'Always') return true
  const annotations = object.metadata.annotations ?? {}
  const isHook = 'argocd.argoproj.io/hook' in annotations || 'helm.sh/hook' in annotations
  return annotations['argocd.argoproj.io/ignore-restart-policy'] === 'true' && !isHook
}

function isFailingWait(waiting: Json): boolean {
  const reason = textAt(waiting, 'reason')
  return reason.startsWith('Err') || reason.endsWith('Error') || reason.endsWith('BackOff')
}

/** The first container that says why it ended, init containers first. */
function failureOf(object: KubernetesObject): string {
  const all = [...listAt(object, 'status', 'initContainerStatuses'), ...listAt(object, 'status', 'containerStatuses')]
  for (const container of all) {
    const terminated = objectAt(container, 'state', 'terminated')
    const message = textAt(terminated, 'message')
    if (message !== '') return message
    if (textAt(terminated, 'reason') === 'OOMKilled') return 'OOMKilled'
    const exitCode = numberAt(terminated, 'exitCode')
    if (exitCode !== 0) return `container "${textAt(container, 'name')}" failed with exit code ${exitCode}`
  }
  return ''
}
