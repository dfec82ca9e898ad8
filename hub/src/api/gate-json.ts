import type { Blocker, GateDecision } from '@flotilla/core/gates/decide'
import { needsReview, overrideName, stateOfOverride } from '@flotilla/core/gates/override-steps'
import type { OverrideRow } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'

/** How gates are told: the shapes of answers, and what makes them. */

const time = z.iso.datetime()
const anyObject = z.record(z.string(), z.unknown())

export const blockerSchema = z
  .strictObject({
    rule: z.string(),
    kind: z.enum(['SyncWindow', 'FreezePeriod']),
    code: z.string(),
    reason: z.string(),
    opensAt: time.nullable().meta({ description: 'When it lets go by itself; null when not within 400 days.' }),
  })
  .meta({ id: 'Blocker' })

export const decisionSchema = z
  .strictObject({
    allowed: z.boolean(),
    layers: z.array(
      z.strictObject({
        name: z.enum(['permission', 'freeze', 'window']),
        allowed: z.boolean(),
        blockers: z.array(blockerSchema),
      }),
    ),
    nextChange: time.nullable(),
    evaluatedAt: time,
    rulesVersion: z.string(),
    timeZone: z.string().meta({ description: 'Of the cluster: by which people there read times.' }),
    reasonRequired: z.boolean(),
    override: z.strictObject({ names: z.array(z.string()), used: z.array(z.enum(['freeze', 'window'])) }).nullable(),
  })
  .meta({ id: 'Decision', description: 'Everything that holds, not only the first.' })

export function decisionJson(
  decision: GateDecision,
  rulesVersion: string,
  timeZone: string,
): z.input<typeof decisionSchema> {
  const { allowed, layers, nextChange, evaluatedAt, reasonRequired, override } = decision
  return {
    allowed,
    layers: layers.map(({ name, allowed: passes, blockers }) => ({
      name,
      allowed: passes,
      blockers: blockers.map(blockerJson),
    })),
    nextChange: timeOrNull(nextChange),
    evaluatedAt: isoTime(evaluatedAt),
    rulesVersion,
    timeZone,
    reasonRequired,
    override: override === undefined ? null : { names: [...override.names], used: [...override.used] },
  }
}

function blockerJson({ rule, kind, code, reason, opensAt }: Blocker): z.input<typeof blockerSchema> {
  return { rule, kind, code, reason, opensAt: timeOrNull(opensAt) }
}

export function timeOrNull(at: EpochMs | undefined): string | null {
  return at === undefined ? null : isoTime(at)
}

export const overrideSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    state: z.enum(['Pending', 'Active', 'Used', 'Expired', 'Revoked']),
    scope: anyObject,
    covers: z.array(z.enum(['freeze', 'window'])),
    actions: z.array(z.string()),
    from: time,
    until: time,
    bundle: z.string().nullable(),
    maxUses: z.int().nullable(),
    includeAutomated: z.boolean(),
    reason: z.string(),
    requestedBy: z.string(),
    requestedAt: time,
    approvalsNeeded: z.int(),
    approvals: z.array(z.strictObject({ by: z.string(), at: time, comment: z.string() })),
    rules: z
      .array(z.strictObject({ name: z.string(), kind: z.string(), owner: z.string().nullable() }))
      .meta({ description: 'What would have blocked when it was asked for.' }),
    useCount: z.int(),
    uses: z
      .array(z.strictObject({ operation: z.string(), application: z.string(), at: time, by: z.string() }))
      .meta({ description: 'The latest.' }),
    revoked: z.strictObject({ by: z.string(), at: time, reason: z.string() }).nullable(),
    needsReview: z.boolean(),
    review: z.strictObject({ by: z.string(), at: time, comment: z.string() }).nullable(),
    edit: z
      .strictObject({
        kind: z.enum(['FreezePeriod', 'SyncWindow']),
        freeze: z.string().meta({ description: 'Its name, whatever its kind.' }),
        revision: z.int(),
        document: anyObject.nullable(),
      })
      .nullable()
      .meta({ description: 'It is for this change of a gate that holds now, and opens none; null document: it ends.' }),
  })
  .meta({ id: 'Override' })

export function overrideJson(row: OverrideRow, now: EpochMs): z.input<typeof overrideSchema> {
  const { id, scope, covers, actions, from, until, bundle, maxUses, includeAutomated, reason, edit, revoked, review } =
    row
  return {
    ...{ id, name: overrideName(id), state: stateOfOverride(row, now), scope: { ...scope } },
    ...{ covers: [...covers], actions: [...actions], from: isoTime(from), until: isoTime(until) },
    ...{ bundle: bundle ?? null, maxUses: edit === undefined ? (maxUses ?? null) : null },
    ...{ includeAutomated: includeAutomated === true, reason },
    ...{ requestedBy: row.requestedBy, requestedAt: isoTime(row.requestedAt), approvalsNeeded: row.approvalsNeeded },
    approvals: row.approvals.map(({ by, at, comment = '' }) => ({ by, at: isoTime(at), comment })),
    rules: row.rules.map(({ name, kind, owner }) => ({ name, kind, owner: owner ?? null })),
    useCount: row.useCount,
    uses: row.uses.map(use => ({ ...use, at: isoTime(use.at) })),
    revoked: revoked === undefined ? null : { ...revoked, at: isoTime(revoked.at) },
    needsReview: needsReview(row, now),
    review: review === undefined ? null : { ...review, at: isoTime(review.at) },
    edit:
      edit === undefined
        ? null
        : {
            kind: edit.kind ?? ('FreezePeriod' as const),
            freeze: edit.name,
            revision: edit.revision,
            document: edit.document === undefined ? null : { ...edit.document },
          },
  }
}
