import { z } from 'zod'
import { applicationSpec, argoApplicationSpec } from './application-spec.ts'
import { anything, metadata, object } from './shapes.ts'

function applicationDocumentOf(apiVersion: string, spec: z.ZodType) {
  return object({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('Application'),
    metadata,
    spec,
    status: anything.optional(),
    operation: anything.optional(),
  })
}

export const argoApplicationDocument = applicationDocumentOf('argoproj.io/v1alpha1', argoApplicationSpec)
export const applicationDocument = applicationDocumentOf('flotilla.dev/v1alpha1', applicationSpec)
