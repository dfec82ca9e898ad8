/** Bounds of one Handlebars template, far beyond what people write. Whatever passes one is an error and renders nothing. */
export const HANDLEBARS_LIMITS = {
  /** Characters of a template's text. */
  source: 128 * 1024,
  /** Blocks and parentheses inside one another; an `else if` counts as one inside the one before. */
  nesting: 100,
  /** Parts written and helpers called in one rendering; long texts count more. */
  steps: 500_000,
  /** Characters of one text that a helper makes. */
  text: 1024 * 1024,
  /** Compiled templates that are kept, and the characters of their texts together. */
  cached: { templates: 1_000, characters: 4 * 1024 * 1024 },
} as const
