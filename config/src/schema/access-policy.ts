import { z } from 'zod'
import {
  documentOf,
  metadata,
  object,
  optionalFlag,
  optionalText,
  optionalTextMap,
  optionalTexts,
  text,
} from './shapes.ts'

const texts = z.array(z.string())

const role = object({ name: text, permissions: z.array(object({ resources: texts, actions: texts })) })

const binding = object({
  subjects: object({ users: optionalTexts, groups: optionalTexts, teams: optionalTexts }),
  role: text,
  effect: z.enum(['allow', 'deny']).optional(),
  scope: object({
    projects: optionalTexts,
    applications: optionalTexts,
    clusters: optionalTexts,
    environments: optionalTexts,
    labels: optionalTextMap,
  }).optional(),
  conditions: optionalTexts,
})

export const accessPolicyDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'AccessPolicy',
  object({
    policy: optionalText,
    defaultRole: optionalText,
    scopes: optionalTexts,
    matchMode: z.enum(['glob', 'regex']).optional(),
    strictArgo: optionalFlag,
    roles: z.array(role).optional(),
    bindings: z.array(binding).optional(),
  }),
)

/** Argo CD's ConfigMap. Keys that are not about permissions are left alone, as Argo CD leaves them. */
export const rbacConfigMapDocument = object({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()).optional(),
})
