import type { ApplicationView } from '@flotilla/core/view/application-view'
import { z } from 'zod'
import { each } from '../../access/route-access.ts'
import { imageMatcher } from '../image-filter.ts'
import { listOf } from '../list-of.ts'
import { anyOf } from '../parameters.ts'
import { json, type Route, route } from '../route.ts'

const versionSchema = z
  .strictObject({
    kind: z.enum(['image', 'chart']),
    name: z.string().meta({ description: 'An image without tag and digest, or a chart with its repository.' }),
    versions: z.array(
      z.strictObject({
        version: z.string(),
        applications: z.int(),
        clusters: z.int(),
        environments: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'RunningVersions', description: 'What runs in which versions, the most common first.' })

type Running = z.input<typeof versionSchema>

interface Counted {
  applications: number
  readonly clusters: Set<string>
  readonly environments: Set<string>
}

const versions = listOf<Running>({
  name: 'versions',
  item: versionSchema,
  sorts: {
    name: keyOf,
    versions: ({ versions: of }) => of.length,
    applications: ({ versions: of }) => of.reduce((sum, each) => sum + each.applications, 0),
  },
  sort: 'name',
  idOf: keyOf,
  words: ['the name', ({ name }) => [name]],
})

/** Which image and chart versions run where, of all that the caller sees. */
export const versionRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/versions',
    id: 'listVersions',
    tag: 'fleet',
    summary: 'Versions of images and charts everywhere, by name',
    access: each('applications', 'get'),
    query: z.strictObject({
      kind: z.enum(['image', 'chart']).optional(),
      project: anyOf('Only of these Projects'),
      environment: anyOf('Only in these environments'),
      images: anyOf('Only these images: `registry.example.com/web`, `*/web:1.4*`'),
      ...versions.query,
    }),
    answers: { 200: { description: 'A page.', schema: versions.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, _caller, { services, visible }) {
      const { kind, project, environment, images } = query
      const wanted = (view: ApplicationView): boolean =>
        (project === undefined || project.includes(view.project)) &&
        (environment === undefined || environment.includes(view.environment ?? ''))
      const matches = imageMatcher(images)
      const found = runningIn(services.view.seen(visible).filter(wanted), image => matches([image]))
      const items = found.filter(each => kind === undefined || each.kind === kind)
      const filters = [kind ?? null, project ?? null, environment ?? null, images ?? null]
      return json(200, versions.page(items, query, filters))
    },
  }),
]

function runningIn(views: readonly ApplicationView[], wantsImage: (image: string) => boolean): readonly Running[] {
  const counted = new Map<string, { readonly kind: Running['kind']; readonly versions: Map<string, Counted> }>()
  const count = (view: ApplicationView, kind: Running['kind'], name: string, version: string): void => {
    const key = `${kind} ${name}`
    const entry = counted.get(key) ?? { kind, versions: new Map<string, Counted>() }
    counted.set(key, entry)
    const of = entry.versions.get(version) ?? { applications: 0, clusters: new Set(), environments: new Set() }
    entry.versions.set(version, of)
    of.applications += 1
    of.clusters.add(view.cluster)
    if (view.environment !== null) of.environments.add(view.environment)
  }
  for (const view of views) {
    for (const image of new Set(view.images)) {
      if (!wantsImage(image)) continue
      const { name, version } = imageParts(image)
      count(view, 'image', name, version)
    }
    const { chart, repoURL, targetRevision } = view.source ?? {}
    if (typeof chart === 'string') count(view, 'chart', `${String(repoURL)}#${chart}`, String(targetRevision ?? ''))
  }
  return [...counted].map(([key, { kind, versions }]) => ({
    ...{ kind, name: key.slice(kind.length + 1) },
    versions: [...versions]
      .map(([version, { applications, clusters, environments }]) => ({
        ...{ version, applications, clusters: clusters.size, environments: [...environments].sort() },
      }))
      .sort((a, b) => b.applications - a.applications || (a.version < b.version ? -1 : 1)),
  }))
}

function keyOf({ kind, name }: Running): string {
  return `${kind} ${name}`
}

/** `registry:5000/shop/web:1.4.2@sha256:…`: a digest says more than the tag beside it, and people read the tag. */
function imageParts(image: string): { readonly name: string; readonly version: string } {
  const [tagged = '', digest] = image.split('@', 2)
  const colon = tagged.indexOf(':', tagged.lastIndexOf('/') + 1)
  if (colon < 0) return { name: tagged, version: digest ?? 'latest' }
  return { name: tagged.slice(0, colon), version: tagged.slice(colon + 1) }
}
