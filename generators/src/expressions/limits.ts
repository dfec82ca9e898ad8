/** Bounds of one expression: far beyond what people write, so that none can hold the hub up. */
export const EXPRESSION_LIMITS = {
  /** Characters of its text. */
  source: 16 * 1024,
  /** Parts of its tree. */
  nodes: 4_000,
  /** Parts inside one another. */
  depth: 120,
  /** Steps of one evaluation; looking at a part is one, and comparing large values costs more. */
  steps: 500_000,
  /** Items of a list or map, and values in the whole result. */
  items: 100_000,
  /** Characters of a text, and of all texts of the result. */
  text: 1024 * 1024,
  /** Characters of a regular expression. */
  pattern: 1_000,
} as const
