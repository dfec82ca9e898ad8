import { z } from 'zod'
import { documentOf, object, optionalText, optionalTexts } from './shapes.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `1h30m` → milliseconds; undefined when it is no duration. Units: ms, s, m, h. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * UNITS[unit!]!
  return Number.isFinite(total) ? total : undefined
}

/** Polling more often than this hurts the Git server and gains nothing over a webhook. */
export const MIN_POLL_INTERVAL_MS = 1000

export const repositoryDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'Repository',
  object({
    url: z.string().min(1, { error: 'must not be empty' }),
    credentials: optionalText,
    signatures: object({ mode: z.enum(['none', 'head', 'strict']), keys: optionalTexts }).optional(),
    pollInterval: z
      .string()
      .refine(text => (parseDurationMs(text) ?? 0) >= MIN_POLL_INTERVAL_MS, {
        error: 'is not a duration of at least one second, such as "3m" or "1h30m"',
      })
      .optional(),
  }),
)
