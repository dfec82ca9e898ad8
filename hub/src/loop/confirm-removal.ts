import type { HeldPrunes } from '@flotilla/core/plan/held-prunes'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { type NamesBench, takeRows } from './names-round.ts'

/** What a person says of deletions that wait in the middle of a removal. */
export interface RemovalConfirmation {
  readonly by: string
  readonly reason: string
  /** Of the list that was shown to them. */
  readonly digest: string
}

export type RemovalAnswer =
  | { readonly kind: 'confirmed'; readonly row: ApplicationRow }
  /** No removal of it waits for anybody. */
  | { readonly kind: 'unknown' }
  /** The list is another one by now. */
  | { readonly kind: 'changed'; readonly held: HeldPrunes }

/**
 * Lets a removal go on that its agent holds up, because objects ask to be confirmed (`Delete=confirm`) or are known by
 * their own marks alone: its next Tombstone says who approved exactly that list.
 */
export async function confirmRemoval(
  id: string,
  { by, reason, digest }: RemovalConfirmation,
  bench: NamesBench,
): Promise<RemovalAnswer> {
  const { services, world, queue } = bench
  return await bench.rows.run(async () => {
    const row = world.application(id)
    const held = row && (await services.store.read(rows => rows.report(id)))?.entry.heldPrunes
    if (row?.state !== 'withdrawn' || !row.removal || !held) return { kind: 'unknown' }
    if (held.digest !== digest) return { kind: 'changed', held }
    const at = services.clock.now()
    // When it was last changed says since when it has been unwanted: that goes on being counted.
    const after: ApplicationRow = { ...row, removal: { ...row.removal, confirmed: { by, at, digest: held.digest } } }
    await services.store.write(async writer => {
      await writer.putApplication(after)
      await writer.appendAudit({
        at,
        actor: by,
        action: 'removal.confirm',
        subject: `Application/${row.name}`,
        detail: { project: row.project, cluster: row.clusterName, digest, objects: held.count, reason },
      })
    })
    takeRows([after], bench)
    queue.add(`application/${id}`)
    services.announce.applications([id])
    services.log.info('a removal was confirmed', { application: row.name, by, objects: held.count })
    return { kind: 'confirmed', row: after }
  })
}
