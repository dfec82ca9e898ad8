import type { JsonObject } from '@flotilla/core/json/json'
import { textAt, valueAt } from '@flotilla/core/json/read-json'

/** What stands below the fleet while its hub does not trust its own store; nothing when it does. */
export function recoveryText(fleet: JsonObject): string {
  const recovery = valueAt(fleet, 'recovery')
  const since = textAt(recovery, 'since')
  switch (textAt(recovery, 'state')) {
    case 'behind':
      return `STORE_BEHIND since ${since}: the hub issues nothing; look with "flotilla hub recover --show"\n`
    case 'recovered':
      return `recovered at ${since}: automated syncs wait for "flotilla hub recover --acknowledge"\n`
    default:
      return ''
  }
}
