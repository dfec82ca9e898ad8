import { nearest } from '@flotilla/core/text/nearest'
import { usageError } from '../errors.ts'

export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** The options that every verb has. */
export interface GlobalOptions {
  readonly output?: string
  readonly color?: boolean
  readonly quiet?: boolean
}

/**
 * The format asked for, among those that the verb has; the first of them by default.
 *
 * @throws CliError (usage) for any other.
 */
export function formatOf<const Format extends OutputFormat>(
  { output }: GlobalOptions,
  allowed: readonly [Format, ...Format[]],
): Format {
  if (output === undefined) return allowed[0]
  const found = allowed.find(format => format === output)
  if (found !== undefined) return found
  const meant = nearest(output, allowed)
  throw usageError(
    `output format "${output}" is not one of ${allowed.join(', ')}`,
    meant === undefined ? undefined : `did you mean "${meant}"?`,
  )
}
