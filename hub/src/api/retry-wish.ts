import { readRetryPolicy } from '@flotilla/core/decide/retry-delay'
import type { JsonObject } from '@flotilla/core/json/json'
import { z } from 'zod'
import type { SyncWish } from '../operations/operation-desk.ts'

const duration = z
  .string()
  .max(40)
  .regex(/^(\d+(\.\d+)?|(\d+(\.\d+)?(ms|s|m|h))+)$/, 'a duration such as 10s; a bare number is seconds')

/** Argo CD's words for it, as under `syncPolicy.retry`. */
export const retrySchema = z
  .strictObject({
    limit: z
      .int()
      .min(-1)
      .max(1000)
      .meta({ description: 'How many times after the first; -1: as long as it may run.' }),
    backoff: z
      .strictObject({
        duration: duration.optional().meta({ description: 'Before the second attempt; 5s by default.' }),
        factor: z.number().min(1).max(100).optional().meta({ description: 'Each wait by so much longer; 2.' }),
        maxDuration: duration.optional().meta({ description: 'No wait is longer; 3m.' }),
      })
      .optional(),
  })
  .meta({ id: 'RetryStrategy', description: 'When it fails; absent: as the Application says, or not at all.' })

/** What a request for a sync says, without who asks and why. */
export function wishOf({
  dryRun,
  prune,
  force,
  resources,
  retry,
}: Pick<SyncWish, 'dryRun' | 'prune' | 'resources'> & {
  readonly force: boolean
  readonly retry?: z.output<typeof retrySchema> | undefined
}): Omit<SyncWish, 'by' | 'reason'> {
  const policy = retry && readRetryPolicy(retry as unknown as JsonObject)
  return { dryRun, prune, resources, ...(force && { force }), ...(policy && { retry: policy }) }
}
