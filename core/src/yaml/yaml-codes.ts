/** Every mistake that reading YAML can find; explained in docs/diagnostics.md. */
export const YAML_CODES = [
  'FILE_TOO_LARGE',
  'TOO_MANY_MISTAKES',
  'YAML_SYNTAX',
  'YAML_DUPLICATE_KEY',
  'YAML_KEY',
  'YAML_TAG',
  'YAML_ALIAS',
  'YAML_MERGE',
  'YAML_NUMBER',
] as const

export type YamlCode = (typeof YAML_CODES)[number]

/** A mistake before its offset has become a line and a column. */
export interface YamlProblem {
  readonly code: YamlCode
  readonly offset: number
  readonly message: string
  readonly hint?: string
}
