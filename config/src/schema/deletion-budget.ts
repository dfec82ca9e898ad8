import { LONGEST_GRACE, parseGrace } from '@flotilla/core/decide/deletion-guard'
import { z } from 'zod'
import { object } from './shapes.ts'

/** How much may go in one round before somebody is asked, and how long it must be unwanted before it goes. */
export const deletionBudget = object({
  count: z.int().min(0).max(1_000_000).optional(),
  percent: z.int().min(0).max(100).optional(),
  grace: z
    .string()
    .refine(text => parseGrace(text) !== undefined, {
      error: `is not a duration of at most ${LONGEST_GRACE}, such as "30m" or "1h30m"`,
    })
    .optional(),
})
