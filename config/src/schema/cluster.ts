import { TimeZone } from '@flotilla/core/gates/time-zone'
import { z } from 'zod'
import { documentOf, object, optionalFlag, optionalText } from './shapes.ts'

/** As gates read it: what they would not know must not be taken, for it would be another zone to them. */
function isKnownTimeZone(name: string): boolean {
  return TimeZone.find(name) !== undefined
}

export function isServerUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

export const clusterDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'Cluster',
  object({
    environment: optionalText,
    timeZone: z
      .string()
      .refine(isKnownTimeZone, { error: 'is not an IANA time zone such as "Europe/Berlin"' })
      .optional(),
    servers: z.array(z.string().refine(isServerUrl, { error: 'is not an https:// URL' })).optional(),
    local: optionalFlag,
    project: optionalText,
  }).optional(),
)
