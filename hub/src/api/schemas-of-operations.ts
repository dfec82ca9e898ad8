import { z } from 'zod'

export const revisionField = z
  .string()
  .min(1)
  .max(250)
  .optional()
  .meta({ description: 'A commit, tag or branch of its source; it is held to the commit that this is now.' })

export const acceptedSchema = z
  .strictObject({
    id: z.string().meta({ description: 'To follow at /api/v1/operations/{id}.' }),
    status: z.enum(['accepted', 'cancelled']).meta({ description: 'cancelled: it had not begun, and will not.' }),
  })
  .meta({ id: 'OperationAccepted' })

export const changeSchema = z.strictObject({
  object: z.string().meta({ description: '`apps/Deployment shop/web`.' }),
  change: z.enum(['created', 'updated', 'removed']),
  pruned: z.boolean().optional().meta({ description: 'Of a removed one: whether a sync takes it out of the cluster.' }),
  diff: z.string().meta({ description: 'Hunks as `diff -u` prints them, values of Secrets masked; empty when cut.' }),
})
