import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditNote, Store, StoreWriter } from '@flotilla/core/ports/store'

/** What is known of whoever asked for the work that is being done. */
export interface AuditStamp {
  /** Name of the token. */
  readonly actor: string
  /** Whoever asks, so that nobody else goes on where he has stopped. */
  readonly reader?: string
  readonly from?: string
  readonly requestId?: string
  readonly policyVersion?: () => string | undefined
  /** Entries that were committed for it. */
  entries: number
  /** What was denied, by whoever decided: it outlives the transaction that the denial undoes. */
  readonly denials: AuditNote[]
}

const asking = new AsyncLocalStorage<AuditStamp>()

/** Runs the work of one request: whatever it writes into the audit log carries the request's id and address. */
export function runAsked<T>(stamp: AuditStamp, work: () => T): T {
  return asking.run(stamp, work)
}

/** Runs what is of no request, although one may have brought it about: nothing of it carries that one's stamp. */
export function runUnasked<T>(work: () => T): T {
  return asking.exit(work)
}

/** Tells what is denied to the request that is served now. @returns Whether one is: what the hub denies itself is no entry. */
export function noteDenial(note: AuditNote): boolean {
  const stamp = asking.getStore()
  stamp?.denials.push(note)
  return stamp !== undefined
}

/** Outside of every request: what is done then is the hub's own doing. */
export function currentStamp(): AuditStamp | undefined {
  return asking.getStore()
}

/**
 * The same store, whose entries of the audit log say where they come from. It is known when the write is asked for:
 * the store may do the work later, together with that of others.
 */
export function auditedStore(store: Store): Store {
  return {
    get counters() {
      return store.counters
    },
    read: work => store.read(work),
    write: async work => {
      const stamp = currentStamp()
      if (stamp === undefined) return await store.write(work)
      let entries = 0
      const result = await store.write(async rows => {
        entries = 0
        return await work(stamped(rows, stamp, () => void entries++))
      })
      stamp.entries += entries
      return result
    },
    close: () => store.close(),
  }
}

function stamped(rows: StoreWriter, stamp: AuditStamp, count: () => void): StoreWriter {
  return new Proxy(rows, {
    get(target, name) {
      if (name === 'appendAudit') {
        return async (note: AuditNote) => {
          await target.appendAudit(withStamp(note, stamp))
          count()
        }
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member as (...given: never[]) => unknown).bind(target) : member
    },
  })
}

/** What a note says itself counts. */
export function withStamp(note: AuditNote, { from, requestId, policyVersion }: AuditStamp): AuditNote {
  const version = note.policyVersion ?? policyVersion?.()
  return {
    ...(from !== undefined && { from }),
    ...(requestId !== undefined && { requestId }),
    ...(version !== undefined && { policyVersion: version }),
    ...note,
  }
}
