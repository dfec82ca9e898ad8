import type { JsonObject } from '../json/json.ts'

/** Where an Application comes from: config file:line → ApplicationSet → generator element → parameters. */
export interface Provenance {
  /** The config source (hub.yaml) that the file belongs to; empty offline. */
  readonly source: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** The ApplicationSet's name; absent for an Application written by hand. */
  readonly set?: string
  /** Path of the generator entry inside the set: `0`, or `0.matrix.1` for a nested one. */
  readonly generator?: string
  /** Which of the generator's parameter sets, from 0. */
  readonly element?: number
  readonly params?: JsonObject
}
