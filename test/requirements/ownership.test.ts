import { OPTIONS } from '@flotilla/agents/testing/documents'
import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, deployment, object } from './objects.ts'
import { createAs, editAs, isGone } from './others.ts'
import { requirements } from './requirement.ts'

const TRACKING = 'flotilla.dev/tracking-id'

requirements('ownership', requirement => {
  requirement(24, 'a copy that bears our marks is not ours: no state, never pruned', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a'), configMap('b')]))
    const { labels, annotations } = (await bench.read('ConfigMap', 'a'))!.metadata
    await createAs(bench, 'kubectl-create', configMap('copy', {}, { labels, annotations } as JsonObject))
    await createAs(
      bench,
      'controller',
      object('v1', 'Secret', 'child', { metadata: { labels, annotations } as JsonObject }),
    )
    await bench.succeeded(bench.sync([configMap('b')]))
    await isGone(bench, 'ConfigMap', 'a')
    expect(await bench.read('ConfigMap', 'copy')).toBeDefined()
    expect(await bench.read('Secret', 'child')).toBeDefined()
    await bench.until('a is known to be gone', () => bench.report?.sync.status === 'Synced')
    expect(bench.report).toMatchObject({ objects: [] })
    bench.hub.grant(bench.hub.tombstone({ application: bench.application }))
    bench.hub.link.changed()
    await bench.until('it is gone', () => bench.report?.gone ?? false)
    expect(await bench.read('ConfigMap', 'copy')).toBeDefined()
    expect(await bench.read('Secret', 'child')).toBeDefined()
  })

  requirement(25, 'of two Applications with one object the second is refused, and nobody fights', async bench => {
    const second = bench.another()
    try {
      await bench.start()
      await bench.succeeded(bench.sync([configMap('shared', { x: 'first' })]))
      await second.start()
      const grant = second.sync([configMap('shared', { x: 'second' }), configMap('own')], {
        namespace: bench.namespace,
      })
      const ended = await second.ended(grant)
      expect(ended.phase).toBe('Failed')
      expect(ended.message + JSON.stringify(ended.results)).toContain('OWNED_BY_OTHER')
      // Whose it is, is no business of who may not see that Application.
      for (const secret of [bench.application.id, bench.application.name]) {
        expect(JSON.stringify(second.hub.link.reports)).not.toContain(secret)
      }
      expect(second.report?.objects).toMatchObject([{ key: { name: 'shared' }, reason: 'OwnedByOther' }])
      const writes = bench.writesOf(['configmaps']).length
      await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'shared'), { data: { x: 'edited' } })
      await bench.until(
        'the first heals it',
        async () => dataOf(await bench.read('ConfigMap', 'shared'))['x'] === 'first',
      )
      await second.restart()
      await second.ended(second.sync([configMap('shared', { x: 'third' })], { namespace: bench.namespace }))
      expect(dataOf(await bench.read('ConfigMap', 'shared'))).toEqual({ x: 'first' })
      expect(bench.writesOf(['configmaps'])).toHaveLength(writes + 1)
      expect(second.writesOf(['configmaps']).filter(write => write.endsWith('/shared'))).toEqual([])
      expect(bench.report?.sync.status).toBe('Synced')
      // Nor does it go with the second.
      second.hub.grant(second.hub.tombstone({ application: second.application }))
      second.hub.link.changed()
      await second.until('the second is gone', () => second.report?.gone ?? false)
      expect(dataOf(await bench.read('ConfigMap', 'shared'))).toEqual({ x: 'first' })
    } finally {
      await second.stop()
    }
  })

  requirement('14', 'what stands in its namespace and nobody declares is told, and only that', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('mine')]))
    await createAs(bench, 'kubectl-create', configMap('left'))
    await createAs(bench, 'kubectl-create', configMap('istio-ca'))
    await createAs(bench, 'kubectl-create', object('v1', 'ServiceAccount', 'builder', {}))
    const orphans = { warn: true, ignore: [{ kind: 'ConfigMap', name: 'istio-*' }] }
    await bench.succeeded(bench.sync([configMap('mine'), deployment('web')], { orphans }))
    const named = () => bench.report?.orphans?.objects.map(({ kind, name }) => `${kind} ${name}`)
    const isTold = (names: () => boolean) => () => {
      bench.clock.skip(1_000)
      return names()
    }
    await bench.until(
      'it was looked for',
      isTold(() => named() !== undefined),
    )
    // Neither Pods and ReplicaSets of what is declared, nor what a control plane puts into every namespace.
    expect(named()).toEqual(['ConfigMap left', 'ServiceAccount builder'])
    expect(bench.report).toMatchObject({ orphans: { warn: true, count: 2, unseenKinds: 0 } })
    // Nobody tells of what comes later, and no sync follows.
    await createAs(bench, 'kubectl-create', configMap('later'))
    await bench.until(
      'what came later is told',
      isTold(() => named()?.includes('ConfigMap later') ?? false),
    )
  })

  requirement(
    26,
    'a lost Inventory is made anew from the marks, and a person is asked before prunes by it',
    async bench => {
      await bench.start()
      await bench.succeeded(bench.sync([configMap('a'), configMap('b')]))
      await bench.stop()
      await bench.client.delete(inventoryOf(bench), { propagation: 'background' })
      await bench.start()
      await bench.ended(bench.sync([configMap('a', { x: '2' })]))
      expect(await bench.read('ConfigMap', 'b')).toBeDefined()
      expect(bench.report?.objects).toMatchObject([
        { key: { name: 'b' }, reason: 'Extra', message: expect.stringContaining('the Inventory was lost') },
      ])
      await bench.succeeded(byHand(bench, [configMap('a', { x: '2' })]))
      await isGone(bench, 'ConfigMap', 'b')
      expect(await bench.read('ConfigMap', 'a')).toBeDefined()
    },
  )

  requirement(27, 'a process that dies between writing an object and the Inventory loses nothing', async first => {
    // A process that nobody kills says how many writes there are; others die before each of them.
    const never = await leavesNothing(first, Number.POSITIVE_INFINITY)
    const left: number[] = []
    await Promise.all(
      Array.from({ length: never.writes }, async (_, writes) => {
        left.push((await leavesNothing(first.another(), writes)).objects)
      }),
    )
    // Some of them died with objects written and an operation that was not over.
    expect(Math.max(...left)).toBe(3)
    expect(Math.min(...left)).toBe(0)
  })

  requirement(28, 'what another Application took over is not pruned, whatever the Inventory says', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a'), configMap('b'), configMap('c')]))
    const other = '0199c2f0-0000-7000-8000-999999999999'
    const annotations = { [TRACKING]: `${other}:/ConfigMap:${bench.namespace}/b` }
    await editAs(bench, 'somebody', bench.key('ConfigMap', 'b'), { metadata: { annotations } })
    await bench.ended(byHand(bench, [configMap('a')]))
    await isGone(bench, 'ConfigMap', 'c')
    expect(await bench.read('ConfigMap', 'b')).toBeDefined()
    expect(bench.writesOf().filter(write => write === `delete configmaps ${bench.namespace}/b`)).toEqual([])
    expect(JSON.stringify(bench.hub.link.reports)).not.toContain(other)
  })

  requirement(
    37,
    'what is to be removed from a cluster that is away is not said to be gone until it is',
    async bench => {
      await bench.start()
      await bench.succeeded(bench.sync([configMap('a'), configMap('b')]))
      await bench.stop()
      // The agent holds the Tombstone and its Grant, and reaches nothing.
      await bench.start({ requests: 0 })
      bench.hub.grant(bench.hub.tombstone({ application: bench.application }))
      bench.hub.link.changed()
      await bench.until('it has tried', () => bench.log.some(line => line.includes('the process was killed')))
      expect(bench.report?.gone).toBe(false)
      expect(await bench.read('ConfigMap', 'a')).toBeDefined()
      await bench.restart()
      await bench.until('it is gone', () => bench.report?.gone ?? false)
      await isGone(bench, 'ConfigMap', 'a')
      await isGone(bench, 'ConfigMap', 'b')
    },
  )
})

/**
 * A first sync of three objects, killed after so many writes; then one by another process that is to leave one of them.
 *
 * @returns what the first process did
 */
async function leavesNothing(
  bench: Bench,
  most: number,
): Promise<{ readonly writes: number; readonly objects: number }> {
  await bench.start({ writes: most })
  const grant = bench.sync([configMap('a'), configMap('b'), configMap('c')])
  await bench.until('it is dead or done', () => bench.dead || bench.operation(grant.id)?.finishedAt !== undefined)
  await bench.stop()
  const writes = bench.writes.length
  const present = () => Promise.all(['a', 'b', 'c'].map(name => bench.read('ConfigMap', name)))
  const objects = (await present()).filter(live => live !== undefined).length
  // The next process has never heard of what the first one did.
  bench.hub.link.openGrants.length = 0
  await bench.start()
  await bench.succeeded(byHand(bench, [configMap('a')]))
  for (const name of ['b', 'c']) await isGone(bench, 'ConfigMap', name)
  const names = (await present()).map(live => live?.metadata.name)
  expect(names, `killed after ${most} writes`).toEqual(['a', undefined, undefined])
  await bench.stop()
  return { writes, objects }
}

/** A sync that somebody asked for, prunes included. */
function byHand(bench: Bench, objects: readonly KubernetesObject[]) {
  const offer = bench.offer(objects, { options: { ...OPTIONS, prune: true } })
  const grant = bench.hub.grant(offer, { trigger: 'manual' })
  bench.hub.link.changed()
  return grant
}

function inventoryOf(bench: Bench) {
  return bench.key('ConfigMap', `flotilla-inventory-${bench.application.id}`, '', `${bench.namespace}-agent`)
}

function dataOf(live: KubernetesObject | undefined): { readonly [name: string]: unknown } {
  return (live?.['data'] ?? {}) as { readonly [name: string]: unknown }
}
