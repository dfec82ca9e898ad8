/** Bounds of one Go template, far beyond what people write. Whatever passes one is an error and renders nothing. */
export const GO_TEMPLATE_LIMITS = {
  /** Characters of a template's text. */
  source: 256 * 1024,
  /** Blocks and parentheses inside one another; an `else if` counts as one inside the one before. */
  nesting: 200,
  /** The same while it runs, with the nesting of every template that is being called. */
  callNesting: 600,
  /** Nodes walked and commands evaluated in one rendering. */
  steps: 1_000_000,
  /** Characters and items that functions make in one rendering, printed or not. */
  work: 4 * 1024 * 1024,
  /** Steps of one rendering that the whole set's budget does not count. */
  freeSteps: 300,
  /** Variables that a look-up may pass over for nothing; beyond, each that many are a step. */
  variablesPerStep: 16,
  /** How much work counts as one step of the whole set … */
  workPerStep: 16,
  /** … up to so much in one rendering; beyond, each is a step. */
  usualWork: 64 * 1024,
  /** Compiled texts that one engine keeps. */
  cachedTexts: 2_000,
  /** Characters of a template's text that an error repeats. */
  quotedSource: 10_000,
} as const
