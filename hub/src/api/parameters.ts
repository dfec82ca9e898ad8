import { z } from 'zod'
import { parseLabelSelector } from './label-selector.ts'

/** Parts of query and path that several routes take. Everything arrives as text. */

export const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 1000

export const limitParameter = z
  .string()
  .regex(/^\d{1,6}$/, `a whole number from 1 to ${MAX_LIMIT}`)
  .transform(Number)
  .refine(limit => limit >= 1 && limit <= MAX_LIMIT, `a whole number from 1 to ${MAX_LIMIT}`)
  .default(DEFAULT_LIMIT)
  .meta({
    description: `Rows on a page, at most ${MAX_LIMIT}.`,
    override: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  })

export const cursorParameter = z
  .string()
  .max(2000)
  .optional()
  .meta({ description: 'What the page before gave as `next`.' })

export const nameParameter = z.string().min(1).max(253)

/** Of every list: what belongs to a Project that the Team owns or watches. */
export const teamParameter = nameParameter.optional().meta({
  description: 'Only what is of a Project that this Team owns or watches; totals and counts are of that alone.',
})

/** Several values with commas between: a row passes when it has one of them. */
export function anyOf(description: string) {
  return z
    .string()
    .max(4000)
    .transform(text => text.split(','))
    .refine(values => values.every(value => value !== ''), 'values with commas between, none of them empty')
    .optional()
    .meta({ description: `${description}; several with commas between.` })
}

/** As {@link anyOf}, of a few words. */
export function anyOfEnum<const Words extends readonly [string, ...string[]]>(description: string, words: Words) {
  return z
    .string()
    .max(1000)
    .transform(text => text.split(','))
    .pipe(z.array(z.enum(words)))
    .optional()
    .meta({ description: `${description}: ${words.join(', ')}; several with commas between.` })
}

export const selectorParameter = z
  .string()
  .max(2000)
  .transform((text, context) => {
    const parsed = parseLabelSelector(text)
    if (parsed.kind === 'selector') return { text, selector: parsed.selector }
    context.addIssue({ code: 'custom', message: parsed.message })
    return z.NEVER
  })
  .optional()
  .meta({ description: 'As for kubectl -l: `env=prod,tier!=gold,region in (eu,us),!legacy`.' })
