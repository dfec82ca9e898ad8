/** Chance as the shells see it. Keys and tokens need the machine's; simulation brings a seeded one. */
export interface Random {
  bytes(count: number): Uint8Array
  /** Uniform in [0, 1). */
  fraction(): number
}
