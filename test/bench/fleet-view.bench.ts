import type { ApplicationQuery } from '@flotilla/hub/api/application-query'
import { FleetView } from '@flotilla/hub/api/fleet-view'
import { parseLabelSelector } from '@flotilla/hub/api/label-selector'
import { digestOf, sampleApplication, sampleReport } from '@flotilla/hub/store/sample-rows'
import type { Figure } from './figure.ts'

const APPLICATIONS = 10_000
const RUNS = 30
const NOW = 1_000

/** What people's lists cost in a fleet of 10,000 Applications. The baseline sorts and filters the same rows by hand. */
export async function run(): Promise<Figure[]> {
  const applications = Array.from({ length: APPLICATIONS }, (_, index) =>
    sampleApplication({
      id: `id-${index}`,
      name: `shop-${index % 977}-${index}`,
      clusterId: `cluster-${index % 100}`,
      clusterName: `eu-${index % 100}`,
      project: `project-${index % 20}`,
      labels: { env: index % 3 === 0 ? 'test' : 'prod', tier: 'gold' },
      digest: digestOf('bundle'),
      holdsSecrets: false,
    }),
  )
  const reports = applications.map(({ id, clusterId }) =>
    sampleReport({ applicationId: id, clusterId: clusterId! }, { held: digestOf('bundle') }),
  )
  const view = new FleetView({ run: 'bench', now: NOW })
  const start = performance.now()
  view.apply({ applications, reports }, NOW, { tell: false })
  const loaded = performance.now() - start

  const selected = parseLabelSelector('env=prod,tier in (gold)')
  const query: ApplicationQuery = {
    filters: {
      project: new Set(['project-1', 'project-2', 'project-3']),
      health: new Set(['Healthy', 'Degraded']),
    },
    words: ['shop', 'gold'],
    labels: selected.kind === 'selector' ? selected.selector : [],
    sort: 'name',
    descending: false,
    limit: 100,
  }
  const byHand = median(() => {
    const found = applications.filter(
      row =>
        ['project-1', 'project-2', 'project-3'].includes(row.project) &&
        row.labels['env'] === 'prod' &&
        row.labels['tier'] === 'gold' &&
        row.name.includes('shop'),
    )
    return found.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, 100)
  })
  const figure = (name: string, unit: string, value: number): Figure => ({
    figure: `fleet view, ${APPLICATIONS} Applications: ${name}`,
    unit,
    value: Math.round(value * 100) / 100,
  })
  const byName = median(() => view.applications(query, NOW))
  const changes = performance.now()
  for (const row of applications.slice(0, 1_000)) view.apply({ applications: [{ ...row, namespace: 'moved' }] }, NOW)
  const changed = (performance.now() - changes) / 1_000
  return [
    figure('built', 'ms', loaded),
    {
      ...figure('page of 100 by name, four filters', 'ms', byName),
      baseline: byHand,
      baselineOf: 'filter and sort of the rows by hand',
      target: '< 20 ms',
    },
    figure(
      'page of 1,000 by health, no filter',
      'ms',
      median(() =>
        view.applications({ ...query, filters: {}, words: [], labels: [], sort: 'health', limit: 1_000 }, NOW),
      ),
    ),
    figure('one Application changed and told', 'ms', changed),
  ]
}

function median(work: () => unknown): number {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[RUNS / 2]!
}
