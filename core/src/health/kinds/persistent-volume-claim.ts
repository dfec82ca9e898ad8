import { textAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const persistentVolumeClaimHealth: HealthRule = (object, { strictArgo = false }) => {
  switch (textAt(object, 'status', 'phase')) {
    case 'Lost':
      return health('Degraded')
    case 'Pending':
      return health('Progressing', strictArgo ? undefined : pendingMessage(textAt(object, 'spec', 'storageClassName')))
    case 'Bound':
      return health('Healthy')
    default:
      return health('Unknown')
  }
}

/** People wonder for hours about a claim that waits for its first Pod, so the message names that possibility. */
function pendingMessage(storageClass: string): string {
  const name = storageClass === '' ? 'the default storage class' : `storage class "${storageClass}"`
  return `Claim is not bound; if ${name} binds late (WaitForFirstConsumer), it waits for a Pod that uses the claim`
}
