import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ClusterRequest } from '@flotilla/core/ports/cluster-transport'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AgentBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, OPTIONS, object, SHOP } from './testing/documents.ts'

/**
 * What an agent must never do to a cluster, watched at the requests that it sends while two Applications want the same
 * objects, people edit and delete by hand, Inventories get lost and processes die.
 */

const OTHER = { ...SHOP, id: '0199c2f0-0000-7000-8000-000000000002', name: 'other' }
const APPLICATIONS = [SHOP, OTHER] as const
const TRACKING = 'flotilla.dev/tracking-id'
const NAMES = ['a', 'b', 'c'] as const
const NAMESPACES = ['shop', 'elsewhere'] as const
/** One namespace, nothing cluster-scoped, no Secrets. */
const CEILING = {
  clusterKindsAllowed: [],
  clusterKindsDenied: [],
  namespacedKindsDenied: [{ group: '', kind: 'Secret' }],
  namespaces: ['shop'],
}

type Step =
  | {
      readonly kind: 'sync'
      readonly app: 0 | 1
      readonly names: readonly string[]
      readonly value: string
      readonly extra: 'none' | 'role' | 'secret' | 'elsewhere'
    }
  | { readonly kind: 'remove'; readonly app: 0 | 1 }
  | { readonly kind: 'mark'; readonly name: string; readonly as: 'nobody' | 'first' | 'second' | 'copied' }
  | { readonly kind: 'edit' | 'delete'; readonly name: string }
  | { readonly kind: 'lose-inventory'; readonly app: 0 | 1 }
  | { readonly kind: 'restart' }

const app = fc.constantFrom(0 as const, 1 as const)
const name = fc.constantFrom(...NAMES)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      app,
      names: fc.subarray([...NAMES]),
      value: fc.constantFrom('1', '2'),
      extra: fc.constantFrom(
        'none' as const,
        'none' as const,
        'role' as const,
        'secret' as const,
        'elsewhere' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), app }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('mark' as const),
      name,
      as: fc.constantFrom('nobody' as const, 'first' as const, 'second' as const, 'copied' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('edit' as const, 'delete' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose-inventory' as const), app }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

it('an agent keeps to the ceiling, deletes by two witnesses, and never takes what is another Application’s', async () => {
  const done = { writes: 0, deletes: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async steps => {
      const { breaches, bench, writes, deletes } = await lived(steps)
      try {
        expect(breaches).toEqual([])
        done.writes += writes
        done.deletes += deletes
      } finally {
        await bench.stop()
        bench.cluster.stop()
      }
    }),
    { numRuns: RUNS },
  )
  // The laws were put to the test.
  expect(Math.min(...Object.values(done))).toBeGreaterThan(0)
}, 300_000)

it('two Applications that want one object never fight over it: it stays the first one’s, and nothing is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray([...NAMES], { minLength: 1 }), fc.boolean(), async (names, restarts) => {
      const bench = await new AgentBench().start()
      for (const [index, application] of APPLICATIONS.entries()) {
        const objects = names.map(each => configMap(each, { of: application.name }))
        bench.hub.sync(bundleOf(...objects), { application, options: { ...OPTIONS, selfHeal: true, prune: true } })
        await bench.pass(10_000)
        if (index === 1 && restarts) {
          await bench.stop()
          await bench.start()
        }
      }
      bench.writes()
      await bench.pass(10 * 60_000)
      const owners = names.map(each => bench.read('ConfigMap', each)?.metadata.annotations?.[TRACKING]?.split(':')[0])
      const left = bench.writes()
      await bench.stop()
      bench.cluster.stop()
      expect(owners).toEqual(names.map(() => SHOP.id))
      expect(left).toEqual([])
      expect(bench.hub.link.latest(OTHER.id)?.objects.map(({ reason }) => reason)).toEqual(
        names.map(() => 'OwnedByOther'),
      )
    }),
    { numRuns: 6 },
  )
}, 300_000)

it('what was applied is planned as kept, and in whatever order it was written the cluster is the same', async () => {
  const objects = [
    ...NAMES.map(each => configMap(each)),
    object('v1', 'Service', 's', { spec: { ports: [{ port: 80 }] } }),
  ]
  const permutations = fc.shuffledSubarray(objects, { minLength: objects.length })
  await fc.assert(
    fc.asyncProperty(permutations, async shuffled => {
      const bench = await new AgentBench().start()
      bench.hub.sync(bundleOf(...shuffled))
      await bench.pass(10_000)
      const plan = await bench.agent!.plan(SHOP.name)
      const writes = bench.writes()
      await bench.stop()
      bench.cluster.stop()
      expect(plan.actions.map(({ kind }) => kind)).toEqual(['keep', ...objects.map(() => 'keep')])
      expect(writes).toEqual(EXPECTED_WRITES)
    }),
    { numRuns: 6 },
  )
}, 300_000)

const EXPECTED_WRITES = [
  'patch /api/v1/namespaces/shop 201',
  ...NAMES.map(each => `patch /api/v1/namespaces/shop/configmaps/${each} 201`),
  'patch /api/v1/namespaces/shop/services/s 201',
]

const RUNS = 40

interface Life {
  readonly bench: AgentBench
  readonly breaches: readonly string[]
  readonly writes: number
  readonly deletes: number
}

/** A life of one agent, what it wrote of objects, and what of it must not be. */
async function lived(steps: readonly Step[]): Promise<Life> {
  const bench = new AgentBench()
  const breaches: string[] = []
  const count = { writes: 0, deletes: 0 }
  bench.between = async (request, pass) => {
    breaches.push(...breachesOf(bench, request))
    if (request.path.includes('/namespaces/shop/configmaps/') && !request.path.includes('dryRun=')) {
      if (request.method === 'PATCH') count.writes++
      if (request.method === 'DELETE') count.deletes++
    }
    return await pass(request)
  }
  for (const each of NAMESPACES) {
    const body = canonicalJson({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: each } })
    await bench.cluster.handle({ method: 'POST', path: '/api/v1/namespaces', headers: JSON_BODY, body })
  }
  await bench.start()
  for (const each of steps) {
    await take(bench, each)
    await bench.pass(8_000)
  }
  await bench.pass(60_000)
  return { bench, breaches, ...count }
}

async function take(bench: AgentBench, step: Step): Promise<void> {
  const options = { ...OPTIONS, createNamespace: false, selfHeal: true, prune: true, allowEmpty: true }
  switch (step.kind) {
    case 'sync': {
      const extra = EXTRA[step.extra]
      const objects = [...step.names.map(each => configMap(each, { x: step.value })), ...extra]
      bench.hub.sync(bundleOf(...objects), { application: APPLICATIONS[step.app], options, ceiling: CEILING })
      return
    }
    case 'remove': {
      bench.hub.grant(bench.hub.tombstone({ application: APPLICATIONS[step.app] }))
      bench.hub.link.changed()
      return
    }
    case 'restart':
      await bench.stop()
      await bench.start()
      return
    case 'lose-inventory':
      // And nobody remembers it.
      await bench.stop()
      await ask(bench, 'DELETE', `/api/v1/namespaces/flotilla-system/configmaps/${inventoryOf(step.app)}`)
      await bench.start()
      return
    case 'delete':
      await ask(bench, 'DELETE', pathOf(step.name))
      return
    case 'edit':
      await ask(bench, 'PATCH', pathOf(step.name), { data: { x: 'by hand' } })
      return
    case 'mark':
      await ask(bench, 'PATCH', pathOf(step.name), { metadata: { annotations: { [TRACKING]: markOf(step) } } })
  }
}

function markOf({ name, as }: Extract<Step, { kind: 'mark' }>): string | null {
  if (as === 'nobody') return null
  if (as === 'copied') return `${SHOP.id}:/ConfigMap:shop/another`
  return `${as === 'first' ? SHOP.id : OTHER.id}:/ConfigMap:shop/${name}`
}

const EXTRA: Readonly<Record<Extract<Step, { kind: 'sync' }>['extra'], readonly KubernetesObject[]>> = {
  none: [],
  role: [object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'r', { rules: [] })],
  secret: [object('v1', 'Secret', 's', { data: { a: 'eA==' } })],
  elsewhere: [configMap('a', {}, { namespace: 'elsewhere' })],
}

const pathOf = (each: string) => `/api/v1/namespaces/shop/configmaps/${each}`
const inventoryOf = (index: 0 | 1) => `flotilla-inventory-${APPLICATIONS[index].id}`

const JSON_BODY = { 'content-type': 'application/json' }

/** Whoever is not there cannot be edited: that is no matter. */
async function ask(bench: AgentBench, method: 'PATCH' | 'DELETE', path: string, body?: Json): Promise<void> {
  const headers = { 'content-type': 'application/merge-patch+json' }
  const query = method === 'PATCH' ? '?fieldManager=kubectl-edit' : ''
  await bench.cluster.handle({ method, path: `${path}${query}`, headers, ...(body && { body: canonicalJson(body) }) })
}

/** What is wrong with a request of the agent, by what the cluster holds at that moment. */
function breachesOf(bench: AgentBench, { method, path, body }: ClusterRequest): readonly string[] {
  const { pathname, searchParams } = new URL(path, 'http://cluster')
  if (method === 'GET' || searchParams.has('dryRun')) return []
  const [, namespace = '', resource = '', target = ''] =
    /^\/apis?\/(?:v1|[^/]+\/[^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?/.exec(pathname) ?? []
  if (namespace === 'flotilla-system' || (namespace === '' && resource === 'namespaces')) return []
  const said = `${method} ${pathname}`
  if (namespace !== 'shop' || resource !== 'configmaps') return [`outside the ceiling: ${said}`]
  const live = bench.read('ConfigMap', target)
  const owner = ownerIn(live, target)
  if (method === 'DELETE') {
    const known = ([0, 1] as const).some(index => {
      const ours = owner === APPLICATIONS[index].id || (live !== undefined && lostItsMark(live))
      return ours && inventoryLists(bench, index, target)
    })
    const same = textAt(parsed(body), 'preconditions', 'uid') === live?.metadata.uid
    return known && same ? [] : [`deleted without two witnesses: ${said}, whose mark is ${owner ?? 'nobody’s'}`]
  }
  const wanted = textAt(parsed(body), 'metadata', 'annotations', TRACKING).split(':')[0] ?? ''
  const taken = wanted !== '' && owner !== undefined && owner !== wanted
  return taken ? [`took what is another Application's: ${said}, of ${owner} for ${wanted}`] : []
}

/** A mark that names another object is nobody's. */
function ownerIn(live: KubernetesObject | undefined, target: string): string | undefined {
  const [id, kind, place] = live?.metadata.annotations?.[TRACKING]?.split(':') ?? []
  return kind === '/ConfigMap' && place === `shop/${target}` ? id : undefined
}

/** Somebody took the mark off; that we wrote it still stands there. */
function lostItsMark({ metadata }: KubernetesObject): boolean {
  const { annotations, managedFields } = metadata
  const managers = (managedFields ?? []) as readonly Json[]
  return annotations?.[TRACKING] === undefined && managers.some(entry => textAt(entry, 'manager') === 'flotilla')
}

function inventoryLists(bench: AgentBench, index: 0 | 1, target: string): boolean {
  const stored = bench.read('ConfigMap', inventoryOf(index), '', 'flotilla-system')
  return textAt(stored, 'data', 'entries').split('\n').includes(`\tConfigMap\tshop\t${target}`)
}

function parsed(body: string | undefined): Json {
  const value = body === undefined ? {} : parseJson(body)
  return isJsonObject(value) ? value : {}
}
