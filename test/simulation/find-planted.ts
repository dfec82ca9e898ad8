import { table } from './coverage.ts'
import type { PlantedBug } from './planted-bugs.ts'
import { runSeeds } from './run-seeds.ts'
import type { SeedOutcome } from './seed-worker.ts'

export interface PlantedFinding {
  readonly bug: PlantedBug
  /** Lives that it took, the failing one included. */
  readonly seeds: number
  readonly tookMs: number
  /** What told it; undefined when nothing did. */
  readonly law: string | undefined
  readonly outcome: SeedOutcome | undefined
}

/** Looks for each bug with one seed after the other, until one fails. */
export async function findPlanted(
  bugs: readonly PlantedBug[],
  options: {
    readonly seeds: number
    readonly jobs: number
    /** The first seed; 1 by default. */
    readonly from?: (bug: PlantedBug) => number
    readonly onFound?: (finding: PlantedFinding) => void
  },
): Promise<readonly PlantedFinding[]> {
  const waiting = [...bugs.entries()]
  const found: PlantedFinding[] = []
  const search = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [place, bug] = next
      const startedAt = performance.now()
      const outcomes = await runSeeds({
        from: options.from?.(bug) ?? 1,
        count: options.seeds,
        plant: bug.name,
        untilFailed: true,
      })
      const outcome = outcomes.find(({ failed }) => failed)
      const tookMs = performance.now() - startedAt
      found[place] = { bug, seeds: outcomes.length, tookMs, law: outcome?.law, outcome }
      options.onFound?.(found[place])
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, search))
  return found
}

export function plantedTable(findings: readonly PlantedFinding[]): string {
  const rows = findings.map(({ bug, law, seeds, tookMs }) => [
    bug.name,
    bug.says,
    law ?? 'NOT FOUND',
    String(seeds),
    `${(tookMs / 1000).toFixed(1)} s`,
  ])
  return table(['planted bug', 'what it does', 'told by', 'seeds', 'time'], rows)
}
