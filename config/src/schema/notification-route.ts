import { TRIGGERS } from '@flotilla/core/notify/route'
import { z } from 'zod'
import { parseDurationMs } from './repository.ts'
import { documentOf, labelMap, object, optionalFlag, optionalText, optionalTexts, text } from './shapes.ts'

const duration = z
  .string()
  .refine(value => parseDurationMs(value) !== undefined, { error: 'is not a duration such as "10m" or "1h30m"' })
  .optional()

const filled = z.string().min(1, { error: 'must not be empty' })
const secretRef = object({ secretName: filled, key: filled })

/** Addresses to which credentials go are written out, so that the review of the document is one of them. */
const address = (protocols: readonly string[]) =>
  text.refine(value => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    error: `is not a URL that begins with ${protocols.map(each => `${each}//`).join(' or ')}`,
  })
const web = address(['https:', 'http:']).refine(value => !URL.canParse(value) || new URL(value).username === '', {
  error: 'must hold no credentials: name a Secret with urlRef',
})

const trigger = object({
  trigger: z.enum(TRIGGERS),
  name: optionalText,
  for: duration,
  when: optionalText,
  events: optionalTexts,
})

const target = object({
  name: optionalText,
  slack: object({
    webhookUrlRef: secretRef.optional(),
    channel: optionalText,
    tokenRef: secretRef.optional(),
    api: web.optional(),
  }).optional(),
  teams: object({ webhookUrlRef: secretRef }).optional(),
  email: object({
    server: address(['smtp:', 'smtps:']),
    from: filled,
    to: z.array(filled).min(1, { error: 'must name somebody' }).max(100, { error: 'may name 100 addresses' }),
    usernameRef: secretRef.optional(),
    passwordRef: secretRef.optional(),
  }).optional(),
  webhook: object({
    url: web.optional(),
    urlRef: secretRef.optional(),
    signingKeyRef: secretRef.optional(),
    bearerRef: secretRef.optional(),
  }).optional(),
  github: object({ api: web.optional(), tokenRef: secretRef, context: optionalText }).optional(),
  gitlab: object({ api: web.optional(), tokenRef: secretRef, context: optionalText }).optional(),
})

export const notificationRouteDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'NotificationRoute',
  object({
    team: optionalText,
    applications: object({
      projects: optionalTexts,
      sets: optionalTexts,
      names: optionalTexts,
      clusters: optionalTexts,
      environments: optionalTexts,
      labels: labelMap,
    }).optional(),
    triggers: z.array(trigger).min(1, { error: 'must hold a trigger' }).max(50, { error: 'may hold 50 triggers' }),
    to: z.array(target).min(1, { error: 'must hold a target' }).max(20, { error: 'may hold 20 targets' }),
    groupWait: duration,
    updateEvery: duration,
    repeatEvery: duration,
    resolved: optionalFlag,
    template: object({ title: optionalText, body: optionalText }).optional(),
  }),
)
