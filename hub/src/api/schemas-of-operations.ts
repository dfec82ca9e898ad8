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
