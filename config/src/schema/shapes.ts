import { z } from 'zod'

/**
 * An object with exactly these fields. The message of zod's `unrecognized_keys` issue carries the known field names,
 * separated by blanks: `check-document.ts` makes the sentence and the nearest name from them.
 */
export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: issue => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  })
}

export const text = z.string()
export const optionalText = z.string().optional()
export const optionalFlag = z.boolean().optional()
export const optionalTexts = z.array(z.string()).optional()
export const optionalTextMap = z.record(z.string(), z.string()).optional()
export const textOrInteger = z.union([z.string(), z.int()], { error: 'must be a whole number or text' })
/** Raw JSON: no schema looks inside, and a null inside it means something. */
export const anything: z.ZodType<unknown> = z.any()
export const anyObject = z.record(z.string(), anything)

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const LABEL_NAME = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$/
const LABEL_PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** Lower-case letters, digits, `-` and `.`, as Kubernetes names are; at most 253 characters. */
export function isKubernetesName(name: string): boolean {
  return name.length <= 253 && NAME.test(name) && !name.includes('..') && !/-\.|\.-/.test(name)
}

export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/')
  const prefix = slash < 0 ? undefined : key.slice(0, slash)
  const name = key.slice(slash + 1)
  if (prefix !== undefined && (prefix.length > 253 || !LABEL_PREFIX.test(prefix))) return false
  return name.length <= 63 && LABEL_NAME.test(name)
}

export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && LABEL_NAME.test(value))
}

export const labelMap = z
  .record(
    z
      .string()
      .refine(isLabelKey, { error: 'is not a label key: [prefix/]name with letters, digits, "-", "_" and "."' }),
    z.string().refine(isLabelValue, {
      error:
        'is not a label value: at most 63 letters, digits, "-", "_" and "."; it begins and ends with a letter or digit',
    }),
  )
  .optional()

/** What Kubernetes writes into metadata by itself comes along in exported documents, and says nothing here. */
export const metadata = object({
  name: z.string(),
  namespace: optionalText,
  labels: labelMap,
  annotations: optionalTextMap,
  finalizers: optionalTexts,
  generateName: optionalText,
  creationTimestamp: anything.optional(),
  deletionTimestamp: anything.optional(),
  deletionGracePeriodSeconds: anything.optional(),
  generation: anything.optional(),
  managedFields: anything.optional(),
  ownerReferences: anything.optional(),
  resourceVersion: anything.optional(),
  selfLink: anything.optional(),
  uid: anything.optional(),
  clusterName: anything.optional(),
})

/** A Kubernetes document of one kind. `status` is accepted and ignored. */
export function documentOf<Spec extends z.ZodType>(apiVersion: string, kind: string, spec: Spec) {
  return object({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(kind),
    metadata,
    spec,
    status: anything.optional(),
  })
}

export const labelSelector = object({
  matchLabels: optionalTextMap,
  matchExpressions: z.array(object({ key: z.string(), operator: z.string(), values: optionalTexts })).optional(),
})
