import type { JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at } from './objects/drafts.ts'
import { TestCluster } from './testing.ts'

const PATH = '/apis/apps/v1/namespaces/default/deployments/a'
const value = fc.constantFrom('1', '2')
const environment = fc.uniqueArray(fc.record({ name: fc.constantFrom('A', 'B', 'C'), value }), {
  selector: each => each.name,
})
// Not empty: an empty map is owned, and yet stored as none, so that applying it again meets its other owners.
const labels = fc.dictionary(fc.constantFrom('x', 'y', 'z'), value, { minKeys: 1, maxKeys: 3 })

const document: fc.Arbitrary<JsonObject> = fc
  .record({
    replicas: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    labels,
    environment,
    image: value,
  })
  .map(({ replicas, labels, environment, image }) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'c', image: `i:${image}`, env: environment }] },
      },
    },
  }))

const step = fc.record({ manager: fc.constantFrom('one', 'two', 'three'), document })

/** A stopped cluster: what is there came by the applies alone. */
async function applied(steps: readonly { manager: string; document: JsonObject }[]): Promise<TestCluster> {
  const cluster = new TestCluster()
  cluster.cluster.stop()
  for (const { manager, document } of steps) await cluster.apply(PATH, document, manager, '&force=true')
  return cluster
}

describe('server-side apply, whatever came before', () => {
  it('applied twice is applied once: no revision, no owner, no time changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 4 }), step, async (before, last) => {
        const cluster = await applied([...before, last])
        const once = await cluster.object(PATH)
        cluster.clock.advance(10_000)
        expect((await cluster.apply(PATH, last.document, last.manager)).status).toBe(200)
        expect(await cluster.object(PATH)).toEqual(once)
      }),
      { numRuns: 60 },
    )
  })

  it('a dry run predicts the object that the apply makes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), step, async (before, last) => {
        const cluster = await applied(before)
        const dry = await cluster.apply(PATH, last.document, last.manager, '&force=true&dryRun=All')
        const real = await cluster.apply(PATH, last.document, last.manager, '&force=true')
        expect(at(dry.body, 'spec')).toEqual(at(real.body, 'spec'))
        expect(at(dry.body, 'metadata', 'labels')).toEqual(at(real.body, 'metadata', 'labels'))
        expect(at(dry.body, 'metadata', 'managedFields')).toEqual(at(real.body, 'metadata', 'managedFields'))
      }),
      { numRuns: 60 },
    )
  })

  it('conflicts are just what force would take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), step, async (before, last) => {
        const cluster = await applied(before)
        const asked = await cluster.apply(PATH, last.document, last.manager, '&dryRun=All')
        const unforced = await applied(before)
        const others = (body: unknown) =>
          JSON.stringify(
            ((at(body as JsonObject, 'metadata', 'managedFields') ?? []) as JsonObject[]).filter(
              entry => entry['manager'] !== last.manager,
            ),
          )
        const ownedBefore = others(await unforced.object(PATH))
        const ownedAfter = others((await unforced.apply(PATH, last.document, last.manager, '&force=true')).body)
        if (asked.status === 409) expect(ownedAfter).not.toBe(ownedBefore)
        else expect(asked.status).toBe(200)
      }),
      { numRuns: 60 },
    )
  })
})
