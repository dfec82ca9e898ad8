import { z } from 'zod'
import { readLabels } from '../gateway/proposed-names.ts'

/** Labels as a request brings them. */
export const labelsInput = z
  .record(z.string().max(317), z.string().max(63))
  .refine(labels => readLabels(labels) !== undefined, { error: 'at most 50 labels, as Kubernetes has them' })

/** Labels as they are shown. */
export const labelsOutput = z.record(z.string(), z.string())
