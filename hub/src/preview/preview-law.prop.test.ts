import fc from 'fast-check'
import { expect, test } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, project, set } from '../loop/testing/loop-harness.ts'
import { compareWithHub } from './testing/preview-law.ts'

type Changes = { readonly [url: string]: { readonly [path: string]: string | null } }

const CLUSTERS = ['eu-1', 'us-1']

/** A fleet of up to thirty Applications: a set over folders and clusters, another beside it, one written by hand. */
const BASE: Changes = {
  [CONFIG]: {
    'projects/shop.yaml': project('shop'),
    'clusters/eu-1.yaml': cluster('eu-1'),
    'clusters/us-1.yaml': cluster('us-1'),
    'sets/all.yaml': set('all', { clusters: CLUSTERS }),
    'apps/hand.yaml': application('hand', APPS, 'hand'),
    'apps/broken.yaml': application('broken', APPS, 'not-there'),
  },
  [APPS]: {
    'hand/map.yaml': configMap('hand', { a: '1' }),
    ...Object.fromEntries(
      [...Array(8).keys()].map(index => [`apps/app-${index}/map.yaml`, configMap('m', { a: '1' })]),
    ),
  },
}

const appFolder = fc.nat(11).map(index => `apps/app-${index}/map.yaml`)
const edit = fc.oneof(
  appFolder.map(path => [APPS, path, null] as const),
  fc.tuple(appFolder, fc.nat(3)).map(([path, a]) => [APPS, path, configMap('m', { a: String(a) })] as const),
  appFolder.map(path => [APPS, path, '{ not a manifest'] as const),
  fc.constantFrom(null, '1', '2').map(a => [APPS, 'hand/map.yaml', a && configMap('hand', { a })] as const),
  fc.constant([APPS, 'not-there/map.yaml', configMap('late', {})] as const),
  fc
    .subarray([...CLUSTERS, 'ap-1', 'nowhere'])
    .map(clusters => [CONFIG, 'sets/all.yaml', set('all', { clusters })] as const),
  fc.constantFrom(null, '{ broken').map(text => [CONFIG, 'sets/all.yaml', text] as const),
  fc.subarray(CLUSTERS).map(clusters => [CONFIG, 'sets/renamed.yaml', set('renamed', { clusters })] as const),
  fc.constantFrom('sync', 'create-only', 'create-update', 'create-delete').map(policy => {
    const document = JSON.parse(set('all', { clusters: ['eu-1'] }))
    document.spec.syncPolicy = { applicationsSync: policy }
    return [CONFIG, 'sets/all.yaml', JSON.stringify(document)] as const
  }),
  fc
    .constantFrom({}, { project: 'nobody' }, { destination: { name: 'us-1', namespace: 'shop' } }, { syncPolicy: {} })
    .map(change => [CONFIG, 'apps/hand.yaml', application('hand', APPS, 'hand', change)] as const),
  fc.constant([CONFIG, 'apps/hand.yaml', null] as const),
  fc.constant([CONFIG, 'apps/second.yaml', application('app-1-eu-1', APPS, 'hand')] as const),
  fc.constantFrom(null, '{ broken').map(text => [CONFIG, 'projects/shop.yaml', text] as const),
  fc
    .constantFrom('us-1', 'ap-1')
    .map(name => [CONFIG, `clusters/${name}.yaml`, cluster(name, { added: 'yes' })] as const),
  fc.constant([CONFIG, 'clusters/us-1.yaml', null] as const),
)

const edits = fc.array(edit, { minLength: 1, maxLength: 5 }).map((list): Changes => {
  const changes: { [url: string]: { [path: string]: string | null } } = {}
  for (const [url, path, text] of list) changes[url] = { ...changes[url], [path]: text }
  return changes
})

/** The same fleet in one repository: the documents below `fleet/`, the manifests beside. */
function inOneRepository(changes: Changes): Changes {
  const files: { [path: string]: string | null } = {}
  for (const [url, byPath] of Object.entries(changes)) {
    for (const [path, text] of Object.entries(byPath)) {
      files[url === CONFIG ? `fleet/${path}` : path] = text?.replaceAll(APPS, CONFIG) ?? null
    }
  }
  return { [CONFIG]: files }
}

test('for any commit of a monorepo, too', { timeout: 120_000 }, async () => {
  const source = {
    name: 'platform',
    repository: CONFIG,
    revision: 'main',
    path: 'fleet',
    trust: { kind: 'all' },
  } as const
  await fc.assert(
    fc.asyncProperty(edits, async head => {
      const { foreseen, happened } = await compareWithHub(inOneRepository(BASE), inOneRepository(head), [source])
      expect(foreseen).toEqual(happened)
    }),
    { numRuns: 40 },
  )
})

test('for any change, the preview says what the hub does after the merge', { timeout: 120_000 }, async () => {
  const seen = { created: 0, updated: 0, deleted: 0, held: 0 }
  await fc.assert(
    fc.asyncProperty(edits, async head => {
      const { foreseen, happened } = await compareWithHub(BASE, head)
      expect(foreseen).toEqual(happened)
      for (const key of ['created', 'updated', 'deleted', 'held'] as const) if (happened[key].length > 0) seen[key]++
    }),
    { numRuns: 40 },
  )
  // A law about nothing would hold as well.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
})
