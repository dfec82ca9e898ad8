/**
 * Bounds of one expansion. They are far beyond what people write; without them one document could take the hub's
 * memory. Whatever passes a bound is an error at the place that asks for it, and deletes nothing.
 */
export const LIMITS = {
  /** Parameter sets that one generator may give, combined ones included: checked before they are made. */
  parameterSets: 100_000,
  /** Applications of one ApplicationSet. */
  applications: 50_000,
  /** Combinators (matrix, merge) inside one another; Argo CD stops at 2. */
  combinators: 8,
  /** Objects and lists inside one another, in a template or a parameter. */
  depth: 100,
  /** Characters of one rendered text. */
  renderedText: 1024 * 1024,
  /** Characters rendered for one whole ApplicationSet. */
  renderedSet: 512 * 1024 * 1024,
  /** Steps of work (parts of templates and expressions looked at) for one whole ApplicationSet. */
  stepsOfSet: 20_000_000,
  /** Parameters of one set after flattening, from one file. */
  flattenedKeys: 100_000,
  /** Errors listed for one top-level generator; a line then says how many more there were. */
  errorsPerGenerator: 100,
} as const

/** Kubernetes' bound for the name of an Application. */
export const MAX_NAME_LENGTH = 253
