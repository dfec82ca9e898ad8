/** One measured number. A ratio to a raw baseline taken in the same run says more than a time on some machine. */
export interface Figure {
  readonly figure: string
  readonly unit: string
  readonly value: number
  /** The raw baseline of the same run, in the same unit. */
  readonly baseline?: number
  /** What it is a ratio to: `raw server-side apply`. */
  readonly baselineOf?: string
  /** What the figure is meant to reach, for reading: benchmarks never fail. */
  readonly target?: string
}

/** A benchmark file exports this as `run`. It ends what it started. */
export type Benchmark = () => Promise<readonly Figure[]>
