import { stripVTControlCharacters } from 'node:util'
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
  /** Lines for clusters; those that are not in order come first, the rest is counted. */
  readonly mostClusters: number
}

/** The demo's screen: a line for each cluster, what changed lately, and where to edit. */
export function liveTable(input: LiveTableInput): string {
  const { clusters, applications, summary, news, hints, colours, mostClusters } = input
  const byCluster = Map.groupBy(applications, ({ cluster }) => cluster)
  const inOrder = (cluster: ClusterView): boolean =>
    cluster.agent.connected &&
    (byCluster.get(cluster.name) ?? []).every(
      ({ sync, health }) => sync.status === 'Synced' && health.status === 'Healthy',
    )
  const shown =
    clusters.length <= mostClusters
      ? clusters
      : [...clusters.filter(cluster => !inOrder(cluster)), ...clusters.filter(inOrder)].slice(0, mostClusters)
  const rows = shown.map(cluster => {
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
    ...(shown.length < clusters.length ? [colours.dim(`and ${clusters.length - shown.length} more clusters`)] : []),
    '',
    `${total} Applications on ${summary.clusters} clusters: ${state}`,
    ...(news.length > 0 ? ['', ...news.map(line => colours.dim(printable(line)))] : []),
    '',
    ...hints,
    '',
  ].join('\n')
}

/**
 * Redraws in place on a terminal, whatever lines wrap there; elsewhere nobody draws. What a low terminal has no room
 * for is left out: what scrolled away cannot be drawn over.
 */
export class Screen {
  readonly #write: (text: string) => void
  readonly #columns: () => number
  readonly #rows: () => number
  #height = 0

  constructor(write: (text: string) => void, columns: () => number, rows: () => number) {
    this.#write = write
    this.#columns = columns
    this.#rows = rows
  }

  draw(text: string): void {
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : ''
    const columns = Math.max(1, this.#columns())
    const most = Math.max(1, this.#rows() - 1)
    const shown: string[] = []
    this.#height = 0
    for (const line of text.split('\n').slice(0, -1)) {
      const height = Math.max(1, Math.ceil([...stripVTControlCharacters(line)].length / columns))
      if (this.#height + height > most) break
      this.#height += height
      shown.push(`${line}\n`)
    }
    this.#write(`${up}\r\u001b[0J${shown.join('')}`)
  }
}
