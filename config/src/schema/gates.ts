import { GATE_ACTIONS } from '@flotilla/core/gates/rules'
import { z } from 'zod'
import { anything, metadata, object, optionalFlag, optionalText, optionalTexts } from './shapes.ts'

const namesAndLabels = object({ names: optionalTexts, selector: optionalText })

const scopeFields = {
  all: optionalFlag,
  projects: optionalTexts,
  sets: optionalTexts,
  applications: namesAndLabels.optional(),
  clusters: namesAndLabels.optional(),
  namespaces: optionalTexts,
  environments: optionalTexts,
}

const common = {
  scope: object(scopeFields),
  exclude: z
    .array(object({ ...scopeFields, reason: z.string(), approvedBy: optionalText, expires: optionalText }))
    .optional(),
  timeZone: optionalText,
  blocks: z.array(z.enum(GATE_ACTIONS as [string, ...string[]])).optional(),
}

/** Like every document's, with the team that may edit it. */
const ownedMetadata = metadata.extend({ owner: optionalText })

function gateDocumentOf<Spec extends z.ZodType>(kind: string, spec: Spec) {
  return object({
    apiVersion: z.literal('flotilla.dev/v1alpha1'),
    kind: z.literal(kind),
    metadata: ownedMetadata,
    spec,
    status: anything.optional(),
  })
}

export const syncWindowDocument = gateDocumentOf(
  'SyncWindow',
  object({
    ...common,
    kind: z.enum(['allow', 'deny']),
    schedule: z.string(),
    duration: z.string(),
    manualSync: optionalFlag,
    syncOverrun: optionalFlag,
    description: optionalText,
  }),
)

/** One entry of `when`; which fields go together is said by the rule itself. */
const freezeTime = object({
  from: optionalText,
  until: optionalText,
  through: optionalText,
  yearly: object({ from: z.string(), through: z.string() }).optional(),
  rrule: optionalText,
  duration: optionalText,
  start: optionalText,
  exdates: optionalTexts,
  calendar: optionalText,
  summary: optionalText,
})

export const freezePeriodDocument = gateDocumentOf(
  'FreezePeriod',
  object({
    ...common,
    level: z.enum(['hard', 'soft']),
    reason: z.string().min(1, { error: 'must not be empty: whoever is held reads it' }),
    when: z.array(freezeTime),
    selfHeal: z.enum(['pause', 'continue']).optional(),
    inFlight: z.enum(['finish', 'pauseAtWave', 'terminate']).optional(),
    gracePeriod: optionalText,
    breakGlass: object({
      allowed: optionalFlag,
      approvals: z.int().min(1).max(10).optional(),
      maxDuration: optionalText,
      ticketPattern: optionalText,
    }).optional(),
    announce: optionalTexts,
    exemptable: optionalFlag,
  }),
)
