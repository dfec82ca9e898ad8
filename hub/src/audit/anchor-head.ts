import type { Log } from '@flotilla/core/ports/log'
import type { Store } from '@flotilla/core/ports/store'

/**
 * Writes the head of the audit log into the hub's own log, which is kept elsewhere: whoever cuts off the end of the one
 * has to find every copy of the other too.
 */
export async function anchorHead(store: Store, log: Log): Promise<void> {
  try {
    const { sequence, hash } = await store.read(rows => rows.auditHead())
    if (sequence > 0) log.info('head of the audit log', { sequence, hash })
  } catch (error) {
    log.error('the head of the audit log could not be read', { error })
  }
}
