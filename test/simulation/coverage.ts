import { PORT_CALLS, type Side } from './port-calls.ts'
import type { SeedOutcome } from './seed-worker.ts'

/** One call of one port, over all lives. */
export interface PortCoverage {
  /** `hub store.write`. */
  readonly port: string
  readonly called: number
  readonly crashed: Readonly<Record<Side, number>>
  /** In the list of calls that lives are made to crash at. */
  readonly listed: boolean
}

/** At which port calls processes crashed: those listed, and those that somebody made though they are not. */
export function coverageOf(outcomes: readonly SeedOutcome[]): readonly PortCoverage[] {
  const listed = new Set(Object.entries(PORT_CALLS).flatMap(([kind, ports]) => ports.map(port => `${kind} ${port}`)))
  const called = new Map<string, number>()
  for (const outcome of outcomes) {
    for (const [port, times] of outcome.called) called.set(port, (called.get(port) ?? 0) + times)
  }
  const crashed = new Map<string, number>()
  for (const { process, side, at } of outcomes.flatMap(({ crashes }) => crashes)) {
    const key = `${process === 'hub' ? 'hub' : 'agent'} ${at} ${side}`
    crashed.set(key, (crashed.get(key) ?? 0) + 1)
  }
  return [...new Set([...listed, ...called.keys()])].sort().map(port => ({
    port,
    called: called.get(port) ?? 0,
    crashed: { before: crashed.get(`${port} before`) ?? 0, after: crashed.get(`${port} after`) ?? 0 },
    listed: listed.has(port),
  }))
}

/** What is wanting, in sentences; empty when processes crashed at every call that any of them made, on either side. */
export function coverageGaps(coverage: readonly PortCoverage[]): readonly string[] {
  return coverage.flatMap(({ port, called, crashed, listed }) => [
    ...(listed ? [] : [`${port} was called and is not among PORT_CALLS`]),
    ...(called > 0 ? [] : [`${port} is among PORT_CALLS and nobody called it`]),
    ...(['before', 'after'] as const)
      .filter(side => listed && called > 0 && crashed[side] === 0)
      .map(side => `no process crashed ${side} ${port}`),
  ])
}

export function coverageTable(coverage: readonly PortCoverage[]): string {
  const rows = coverage.map(({ port, called, crashed }) => [port, called, crashed.before, crashed.after].map(String))
  return table(['port call', 'calls', 'crashes before', 'after'], rows)
}

/** Columns of text under their heads, as Markdown has them. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(heads), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
