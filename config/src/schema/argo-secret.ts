import { z } from 'zod'
import { metadata, object, optionalFlag, optionalText, optionalTextMap } from './shapes.ts'

/** The label by which Argo CD finds its Secrets. */
export const SECRET_TYPE_LABEL = 'argocd.argoproj.io/secret-type'

export const argoSecretDocument = object({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata,
  type: optionalText,
  immutable: optionalFlag,
  data: optionalTextMap,
  stringData: optionalTextMap,
})
