import { z } from 'zod'
import { retrySchema } from './retry-wish.ts'

/** Of whatever a person does. */
export const reasonField = z.string().max(2000).default('').meta({ description: 'Why; kept in the audit log.' })

/** Which object of an Application is meant. */
export const keyFields = {
  group: z.string().max(253).default('').meta({ description: 'Empty for the core group.' }),
  kind: z.string().min(1).max(253),
  namespace: z.string().max(253).default('').meta({ description: 'Empty for what has none.' }),
  name: z.string().min(1).max(253),
}

/** What a sync by hand may say. */
export const syncFields = {
  dryRun: z.boolean().default(false).meta({ description: 'Writes nothing; the operation says what would be.' }),
  prune: z.boolean().default(false).meta({ description: 'Deletes what is no longer in the source.' }),
  force: z.boolean().default(false).meta({
    description: 'Deletes and makes again what refuses a change of a field for good; never what keeps others’ data.',
  }),
  resources: z
    .array(z.strictObject(keyFields))
    .max(1000)
    .default([])
    .meta({ description: 'Only these objects; empty: all.' }),
  retry: retrySchema.optional(),
  reason: reasonField,
}
