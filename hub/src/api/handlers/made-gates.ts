import type { FreezeRule, GateScope, WindowRule } from '@flotilla/core/gates/rules'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { MadeGateRow } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import { z } from 'zod'
import { type GateFacts, projectsOf, requireGate, requireNewGate, seesGate } from '../../access/gate-access.ts'
import { rightsOf } from '../../access/rights-of.ts'
import type { EditAnswer } from '../../gate-desk/desk.ts'
import type { GateDesk } from '../../gate-desk/gate-desk.ts'
import type { GateEditWish, MadeGateDesk } from '../../gate-desk/made-gate-desk.ts'
import { documentSchema, gatesOf, reasonSchema, refuse, revisionOf } from '../gate-input.ts'
import { overrideJson, overrideSchema } from '../gate-json.ts'
import { concernedBy, freezesOf, GATE_STATES, type GateJson, gateSchema, windowsOf } from '../gate-list.ts'
import { listOf } from '../list-of.ts'
import { anyOfEnum } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply } from '../route.ts'
import type { Caller } from '../tokens.ts'

/** What routes of freezes and of windows have in common: those of Git and those made here, in one list. */

export type Resource = GateFacts['resource']

const effectSchema = z.strictObject({
  applications: z.int(),
  clusters: z.int(),
  inForce: z.int().meta({ description: 'Clusters whose agents have said that they have it.' }),
  latestStart: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'After this nothing starts that it forbids, anywhere.' }),
})
export const oneGateSchema = gateSchema.extend({ effect: effectSchema }).meta({ id: 'GateWithEffect' })
export const waitingSchema = z.strictObject({ waiting: overrideSchema, because: z.array(z.string()) }).meta({
  id: 'GateChangeWaiting',
  description: 'It holds now, so this is break-glass: others approve the override.',
})
export const patchSchema = z
  .strictObject({
    metadata: documentSchema.optional(),
    spec: documentSchema.optional(),
    reason: reasonSchema.default('').meta({ description: 'Why; kept, and read by whoever approves.' }),
  })
  .meta({
    id: 'GatePatch',
    description: 'RFC 7396: members replace, null takes out. If-Match takes the revision, or the tag of the read.',
  })

const stateParameter = anyOfEnum('Only in this state; those that are neither over nor ended without it', [
  ...GATE_STATES,
  'all',
])
const gates = listOf<GateJson>({
  name: 'gates',
  item: gateSchema,
  sorts: {
    // Active ones first; of those of one state the one that is next.
    state: gate => `${GATE_STATES.indexOf(gate.state)} ${gate.intervals[0]?.from ?? ''}`,
    name: ({ name }) => name,
    level: ({ level }) => level,
    owner: ({ owner }) => owner ?? '',
    from: ({ intervals }) => intervals[0]?.from ?? '',
    until: ({ intervals }) => intervals[0]?.until ?? '',
  },
  sort: 'state',
  // An ended one has the name of the one that has come after it.
  idOf: ({ rule, origin, ended }) => `${rule} ${origin.madeAt ?? ''} ${ended?.at ?? ''}`,
  words: [
    'name, reason, owner, level or source',
    ({ name, rule, reason, owner, level, origin }) => [name, rule, reason, owner, level, origin.source, origin.file],
  ],
})
export const gatesPage = gates.answer
export const gatesQuery = z.strictObject({ state: stateParameter, ...gates.query })

/** Of Git and made here, of those that the caller sees. */
export async function allGates(resource: Resource, caller: Caller, context: Context): Promise<readonly GateJson[]> {
  const { keeper, fleet } = gatesOf(context)
  const { services, now } = context
  const isFreeze = resource === 'freezes'
  const made = await services.store.read(rows => (isFreeze ? rows.freezes() : rows.windows()))
  const all = isFreeze ? freezesOf(keeper.now(), fleet(), made, now) : windowsOf(keeper.now(), fleet(), made, now)
  // A rule as a whole, with whom it concerns and who is exempt, is for those who may see the rule.
  const rights = rightsOf(caller, context)
  return all.filter(gate => seesGate(gateFacts(gate), rights))
}

export function listed(list: Resource, seen: readonly GateJson[], query: z.output<typeof gatesQuery>): Reply {
  const states: readonly string[] = query.state ?? ['active', 'scheduled', 'indeterminate']
  const wanted = seen.filter(({ state }) => states.includes('all') || states.includes(state))
  return json(200, gates.page(wanted, query, [list, states.toSorted()]))
}

/** The one of that name, and how far it has got. @throws Problem `NOT_FOUND` */
export async function oneGate(
  resource: Resource,
  name: string,
  caller: Caller,
  context: Context,
): Promise<z.input<typeof oneGateSchema>> {
  const gate = await meant(resource, name, caller, context)
  const { keeper } = gatesOf(context)
  const progress = gate.state === 'ended' ? undefined : await keeper.progress(gate.rule)
  const concerned = gate.state === 'ended' ? NOBODY : concernedBy(gate.rule, keeper.now())
  const latestStart = progress?.latestStart
  return {
    ...gate,
    effect: {
      ...concerned,
      inForce: progress?.inForce ?? 0,
      latestStart: latestStart === undefined ? null : isoTime(latestStart),
    },
  }
}

const NOBODY = { applications: 0, clusters: 0 }

/** As a config repository has it. @throws Problem `NOT_FOUND` */
export async function gateYaml(resource: Resource, name: string, caller: Caller, context: Context): Promise<Reply> {
  const { document } = await meant(resource, name, caller, context)
  return { kind: 'text', status: 200, contentType: 'application/yaml', body: prettyYaml(document as Json) }
}

/** @throws Problem `FORBIDDEN`, `GATE_INVALID`, `GATE_EXISTS`, `GATE_FROM_GIT` */
export async function createGate(
  resource: Resource,
  document: JsonObject,
  caller: Caller,
  context: Context,
  now?: EpochMs,
): Promise<Reply> {
  const facts = factsOf(resource, document)
  requireNewGate(facts, rightsOf(caller, context))
  const answer = await deskOf(resource, gatesOf(context)).create(document, caller, now)
  if (answer.kind === 'done') return json(201, await oneGate(resource, answer.value.name, caller, context))
  if (answer.kind === 'waits') throw new Error('making a gate waits for nobody')
  const taken = answer.kind === 'refused' && (answer.code === 'GATE_EXISTS' || answer.code === 'GATE_FROM_GIT')
  // That a name is taken has to be said; by whom, where, and since when is for those who may see it.
  const known = taken && (await allGates(resource, caller, context)).some(({ name }) => name === facts.name)
  if (taken && !known) throw new Problem('GATE_EXISTS')
  return refuse(answer)
}

/**
 * Changes it, or without a patch ends it.
 *
 * @param action What is asked of rights.
 * @throws Problem `NOT_FOUND`, `FORBIDDEN`, and what the desk refuses.
 */
export async function editGate(
  resource: Resource,
  name: string,
  wish: Omit<GateEditWish, 'revision'>,
  caller: Caller,
  context: Context,
  action: 'update' | 'delete' = 'update',
): Promise<Reply> {
  const gate = await meant(resource, name, caller, context)
  const rights = rightsOf(caller, context)
  requireGate(gateFacts(gate), action, rights)
  if (wish.patch !== undefined) requirePatch(resource, wish.patch, caller, context)
  const revision = revisionOf(context)
  const asked = { ...wish, ...(revision !== undefined && { revision }) }
  const answer: EditAnswer<MadeGateRow> = await deskOf(resource, gatesOf(context)).edit(name, asked, caller)
  if (answer.kind === 'done') return json(200, await oneGate(resource, answer.value.name, caller, context))
  if (answer.kind !== 'waits') return refuse(answer)
  return json(202, { waiting: overrideJson(answer.request, context.now), because: [...answer.because] })
}

/**
 * Of those of a name: the one that stands and was made here, for it is what can be changed here; else the one of Git;
 * else the latest that has ended.
 */
async function meant(resource: Resource, name: string, caller: Caller, context: Context): Promise<GateJson> {
  const found = (await allGates(resource, caller, context)).filter(gate => gate.name === name)
  const standing = found.filter(({ state }) => state !== 'ended')
  const gate =
    standing.find(({ readOnly }) => !readOnly) ??
    standing[0] ??
    found.toSorted((a, b) => ((a.ended?.at ?? '') < (b.ended?.at ?? '') ? 1 : -1))[0]
  if (gate === undefined) throw new Problem('NOT_FOUND')
  return gate
}

function deskOf(resource: Resource, desk: GateDesk): MadeGateDesk<FreezeRule> | MadeGateDesk<WindowRule> {
  return resource === 'freezes' ? desk.freezes : desk.windows
}

function gateFacts({ kind, name, owner, rule, document }: GateJson): GateFacts {
  const ofProject = /^Project\/(\S+) /.exec(rule)?.[1]
  const resource = kind === 'FreezePeriod' ? 'freezes' : 'windows'
  return {
    ...factsOf(resource, document as JsonObject),
    ...{ name, owner: owner ?? undefined },
    ...(ofProject !== undefined && { projects: [ofProject] }),
  }
}

/** What rights are asked about, as the document has it: what is written otherwise than it should is nobody's. */
function factsOf(resource: Resource, document: JsonObject): GateFacts {
  const metadata = isJsonObject(document['metadata']) ? document['metadata'] : {}
  const spec = isJsonObject(document['spec']) ? document['spec'] : {}
  const { name, owner } = metadata
  return {
    ...{ resource, name: typeof name === 'string' ? name : '' },
    projects: projectsOf(isJsonObject(spec['scope']) ? (spec['scope'] as GateScope) : undefined),
    owner: typeof owner === 'string' ? owner : undefined,
  }
}

/** A change of whom it concerns, or of whose it is, is asked about like a new one: the place that it moves to. */
function requirePatch(resource: Resource, patch: JsonObject, caller: Caller, context: Context): void {
  const { projects, owner, name } = factsOf(resource, patch)
  const spec = isJsonObject(patch['spec']) ? patch['spec'] : {}
  if (!('scope' in spec) && owner === undefined) return
  const moved = 'scope' in spec ? { projects } : { projects: [] }
  requireNewGate({ resource, name, owner, ...moved }, rightsOf(caller, context))
}
