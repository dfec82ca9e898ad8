import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at } from '../objects/drafts.ts'
import { matchesLabelSelector } from '../store/selectors.ts'
import { type Controller, keyOf, splitKey } from './controller.ts'
import { type ControllerApi, conditionsOf, withCondition } from './controller-api.ts'
import { isActive, isReady, portionOf } from './pods.ts'

const BUDGETS = 'policy/poddisruptionbudgets'

/** PodDisruptionBudgets: how many of the Pods they cover may go. */
export function disruptionBudgetController(api: ControllerApi): Controller {
  return {
    name: 'disruption',
    keysOf: event => {
      if (event.storageKey === BUDGETS) return [keyOf(event.object)]
      if (event.storageKey !== '/pods') return []
      const budgets = api.core.store.list(BUDGETS, event.object.metadata.namespace)
      return budgets.filter(budget => covers(budget, event.object)).map(keyOf)
    },
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const budget = api.core.store.get(BUDGETS, namespace, name)
      if (budget) write(api, budget)
      return undefined
    },
  }
}

function covers(budget: KubernetesObject, pod: KubernetesObject): boolean {
  const selector = at(budget, 'spec', 'selector')
  return selector !== undefined && matchesLabelSelector(selector, pod.metadata.labels ?? {})
}

function write(api: ControllerApi, budget: KubernetesObject): void {
  const spec = (budget['spec'] ?? {}) as JsonObject
  const pods = api.list('', 'pods', budget.metadata.namespace).filter(pod => isActive(pod) && covers(budget, pod))
  const healthy = pods.filter(isReady).length
  const expected = pods.length
  const desired =
    spec['maxUnavailable'] === undefined
      ? portionOf(spec['minAvailable'] ?? 1, expected, true)
      : Math.max(0, expected - portionOf(spec['maxUnavailable'], expected, true))
  const disruptionsAllowed = Math.max(0, healthy - desired)
  const condition = {
    type: 'DisruptionAllowed',
    status: disruptionsAllowed > 0 ? 'True' : 'False',
    reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: budget.metadata.generation ?? 1,
  }
  api.updateStatus('policy', 'PodDisruptionBudget', budget, {
    observedGeneration: budget.metadata.generation ?? 1,
    disruptionsAllowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: withCondition(conditionsOf(budget), condition, api.core.now()),
  })
}
