import { parseInstant } from '@flotilla/core/gates/civil-time'
import { parseGoDuration } from '@flotilla/core/gates/go-duration'
import { GATE_ACTIONS, type GateScope } from '@flotilla/core/gates/rules'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import type { DeskMistake, Refusal, Unknown } from '../gate-desk/desk.ts'
import type { GateDesk } from '../gate-desk/gate-desk.ts'
import { Problem } from './problem.ts'
import { revisionIn } from './revision.ts'
import type { Context } from './route.ts'

/** Parts of questions about gates that several routes take. */

const texts = z.array(z.string().min(1).max(253)).max(1_000)
const namesAndLabels = z.strictObject({ names: texts.optional(), selector: z.string().max(2_000).optional() })

/** As documents write it; what is wrong inside is told by whoever compiles it. */
export const scopeSchema = z
  .strictObject({
    all: z.boolean().optional(),
    projects: texts.optional(),
    sets: texts.optional(),
    applications: namesAndLabels.optional(),
    clusters: namesAndLabels.optional(),
    namespaces: texts.optional(),
    environments: texts.optional(),
  })
  .transform(scope => JSON.parse(JSON.stringify(scope)) as GateScope)
  .meta({ id: 'GateScope', description: 'AND between the keys, OR inside a list; `all: true` for everything.' })

export const actionsSchema = z.array(z.enum(GATE_ACTIONS as unknown as [string, ...string[]])).max(GATE_ACTIONS.length)

const TIME_RULE = 'an instant with its zone such as 2026-12-24T12:00:00Z, or +2h from now'

/** An instant, `now`, or `+2h` from it. Local times are refused: nobody here knows the asker's clock. */
export const timeSchema = z
  .string()
  .max(40)
  .refine(text => instantOf(text, 0) !== undefined, TIME_RULE)
  .meta({ description: `\`now\`, ${TIME_RULE}.` })

export function instantOf(text: string, now: EpochMs): EpochMs | undefined {
  if (text === 'now') return now
  if (!text.startsWith('+')) return parseInstant(text)
  const duration = parseGoDuration(text.slice(1))
  return duration === undefined || duration < 0 ? undefined : now + duration
}

/** A document: JSON with the fields that a config repository has. */
export const documentSchema = z.record(z.string(), z.unknown())

export const reasonSchema = z.string().max(2_000)

/** @throws Problem `UNAVAILABLE` where the hub has no desk for gates. */
export function gatesOf({ services }: Context): GateDesk {
  if (services.gates === undefined) throw new Problem('UNAVAILABLE', { headers: { 'Retry-After': '60' } })
  return services.gates
}

/** Why a request is not done, as the problem that is answered. @throws Problem */
export function refuse(answer: Refusal | Unknown, at = '/body'): never {
  if (answer.kind === 'unknown') throw new Problem('NOT_FOUND')
  const errors = (answer.mistakes ?? []).map(mistake => problemError(mistake, at))
  throw new Problem(answer.code, { ...(answer.detail !== undefined && { detail: answer.detail }), errors })
}

function problemError({ path, message, hint }: DeskMistake, at: string) {
  const pointer = [at, ...path.map(part => String(part).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')
  return { pointer, message, ...(hint !== undefined && { hint }) }
}

/** The revision of `If-Match: "3"`; undefined without one, or where it names the tag of a read, which was compared. */
export function revisionOf({ request }: Context): number | undefined {
  return revisionIn(request.get('If-Match'))
}
