import { objectKeyText } from '../model/kubernetes-object.ts'
import type { SyncAction, SyncPlan } from './sync-plan.ts'

/**
 * A plan as people read it: one line an action, what is kept only counted. Holds field names and never a value.
 *
 * @example
 * // shop-eu-1: 1 to create, 1 to update, 0 to prune, 12 kept
 * //   create  Sync/0  apps/Deployment shop/web
 * //   update  Sync/0  Service shop/web: .spec.ports[port=80,protocol="TCP"].targetPort
 */
export function printPlan(plan: SyncPlan): string {
  const count = (kind: SyncAction['kind']) => plan.actions.filter(action => action.kind === kind).length
  const apart = count('hold') + count('skip')
  const summary = [
    `${count('create')} to create`,
    `${count('update')} to update`,
    `${count('prune')} to prune`,
    `${count('keep')} kept`,
    ...(count('hook') > 0 ? [`${count('hook')} hooks`] : []),
    ...(apart > 0 ? [`${apart} left alone`] : []),
  ]
  const lines = [`${plan.application.name}: ${summary.join(', ')}`]
  for (const { severity, code, key, message } of plan.problems) {
    lines.push(`  ${severity} ${code} ${key ? `${objectKeyText(key)} ` : ''}${message}`)
  }
  for (const action of plan.actions) if (action.kind !== 'keep') lines.push(`  ${printAction(action)}`)
  return lines.join('\n')
}

function printAction(action: SyncAction): string {
  const hoisted = action.hoistedFrom === undefined ? '' : ` (from ${action.hoistedFrom})`
  const place = `${action.phase}/${action.wave}${hoisted}`
  const line = `${action.kind.padEnd(6)}  ${place}  ${objectKeyText(action.key)}`
  switch (action.kind) {
    case 'update': {
      const taken = action.takeOver.length > 0 ? ` (taken over from ${action.takeOver.join(', ')})` : ''
      const again = action.recreates ? ' (deleted and created again)' : ''
      return `${line}${action.changes.length > 0 ? `: ${action.changes.join(', ')}` : ''}${again}${taken}`
    }
    case 'hold':
    case 'skip':
      return `${line}: ${action.code} ${action.reason}`
    default:
      return line
  }
}
