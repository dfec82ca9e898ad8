import { z } from 'zod'
import { documentOf, object, optionalFlag, optionalText } from './shapes.ts'

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false // RangeError is how Intl says that there is no such zone
  }
}

const known = new Map<string, boolean>()

/** Asking Intl takes 30 µs, and a fleet has few zones. */
function isKnownTimeZone(name: string): boolean {
  let answer = known.get(name)
  if (answer === undefined) {
    answer = isTimeZone(name)
    if (known.size < 1000) known.set(name, answer)
  }
  return answer
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
