import type { ApplicationView } from '@flotilla/core/view/application-view'
import type { ClusterView } from '@flotilla/core/view/fleet-parts'
import type { Colours } from '../output/colours.ts'
import { printable, table } from '../output/table.ts'
import type { FleetSummary } from './fleet-summary.ts'

export interface LiveTableInput {
  readonly clusters: readonly ClusterView[]
  readonly applications: readonly ApplicationView[]
  readonly summary: FleetSummary
  /** Applications that changed lately, newest first, as sentences. */
  readonly news: readonly string[]
  readonly hints: readonly string[]
  readonly colours: Colours
}

/** The demo's screen: a line for each cluster, what changed lately, and where to edit. */
export function liveTable({ clusters, applications, summary, news, hints, colours }: LiveTableInput): string {
  const byCluster = Map.groupBy(applications, ({ cluster }) => cluster)
  const rows = clusters.map(cluster => {
    const own = byCluster.get(cluster.name) ?? []
    const held = own.filter(({ hold }) => hold !== null)
    return [
      cluster.name,
      cluster.environment ?? '',
      cluster.agent.connected ? 'connected' : cluster.joined ? 'away' : 'not joined',
      `${own.filter(({ sync }) => sync.status === 'Synced').length}/${own.length}`,
      `${own.filter(({ health }) => health.status === 'Healthy').length}/${own.length}`,
      held.length === 0 ? '' : `${held.length} (${[...new Set(held.map(({ hold }) => hold!.code))].join(', ')})`,
    ]
  })
  const headings = ['CLUSTER', 'ENVIRONMENT', 'AGENT', 'SYNCED', 'HEALTHY', 'HELD']
  const { synced, healthy } = summary
  const total = summary.applications
  const state = summary.complete
    ? colours.green('everything is Synced and Healthy')
    : colours.yellow(`${synced} Synced, ${healthy} Healthy`)
  return [
    table(headings, rows, colours).trimEnd(),
    '',
    `${total} Applications on ${summary.clusters} clusters: ${state}`,
    ...(news.length > 0 ? ['', ...news.map(line => colours.dim(printable(line)))] : []),
    '',
    ...hints,
    '',
  ].join('\n')
}

/** Redraws in place on a terminal; elsewhere it stays silent, and the caller prints lines. */
export class Screen {
  readonly #write: (text: string) => void
  #height = 0

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  draw(text: string): void {
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : ''
    this.#write(`${up}\u001b[0J${text}`)
    this.#height = text.split('\n').length - 1
  }
}
