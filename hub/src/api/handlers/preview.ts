import { z } from 'zod'
import { all } from '../../access/route-access.ts'
import { PreviewError, type PreviewErrorCode } from '../../preview/preview.ts'
import { hasChanges, previewJson } from '../../preview/preview-json.ts'
import { Problem, type ProblemCode } from '../problem.ts'
import { json, type Route, route } from '../route.ts'

const bodySchema = z
  .strictObject({
    source: z
      .string()
      .max(63)
      .optional()
      .meta({ description: 'Name of a config source; needed when there are several.' }),
    revision: z.string().min(1).max(255).optional().meta({ description: 'A branch, tag or commit of its repository.' }),
    documents: z
      .string()
      .min(1)
      .max(200_000)
      .optional()
      .meta({ description: 'YAML documents, each in the place of the one of its kind and name.' }),
  })
  .refine(({ revision, documents }) => (revision === undefined) !== (documents === undefined), {
    message: 'give a revision or documents, one of the two',
  })

const change = z.record(z.string(), z.unknown())

const previewSchema = z
  .strictObject({
    changes: z.boolean().meta({ description: 'Whether anything would happen.' }),
    created: z.array(change),
    updated: z.array(change),
    deleted: z.array(change),
    held: z.array(change).meta({ description: 'What the hub would not do, with code and reason.' }),
    unchanged: z.int(),
    diagnostics: z.array(change),
    cut: z.string().optional(),
  })
  .meta({ id: 'Preview', description: 'What a change would do. Values of Secrets are markers.' })

const PROBLEM_OF: { readonly [Code in PreviewErrorCode]: ProblemCode } = {
  PREVIEW_BUSY: 'TOO_MANY_REQUESTS',
  PREVIEW_TOO_SLOW: 'PREVIEW_IMPOSSIBLE',
  PREVIEW_TOO_LARGE: 'PREVIEW_IMPOSSIBLE',
  PREVIEW_FAILED: 'PREVIEW_IMPOSSIBLE',
  CONFIG_UNREADABLE: 'PREVIEW_IMPOSSIBLE',
  SOURCE_UNKNOWN: 'PREVIEW_IMPOSSIBLE',
  REVISION_UNKNOWN: 'PREVIEW_IMPOSSIBLE',
}

/** A change of the fleet, before anybody makes it. */
export const previewRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/applicationsets/preview',
    id: 'previewChange',
    tag: 'applicationsets',
    summary: 'What a change of the config would do, against the fleet as it is now',
    sensitive: true,
    readsOnly: true,
    access: all('applicationsets', 'get'),
    body: bodySchema,
    problems: ['PREVIEW_IMPOSSIBLE', 'TOO_MANY_REQUESTS'],
    answers: { 200: { description: 'What would happen. Nothing was written.', schema: previewSchema } },
    async handle({ body }, _caller, { services }) {
      try {
        const preview = await services.actions.previewChange(body)
        return json(200, { changes: hasChanges(preview), ...previewJson(preview) })
      } catch (error) {
        if (!(error instanceof PreviewError)) throw error
        throw new Problem(PROBLEM_OF[error.code], {
          detail: error.message,
          cause: error,
          ...(error.retry && { headers: { 'Retry-After': '10' } }),
        })
      }
    },
  }),
]
