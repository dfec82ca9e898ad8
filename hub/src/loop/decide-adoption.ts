import type { AdoptionScope, AdoptionVerdict } from '@flotilla/core/decide/adoption'
import type { Json } from '@flotilla/core/json/json'
import type { Adoption } from '@flotilla/core/plan/adoptions'
import { DELIVERY_TOOLS, type DeliveryTool } from '@flotilla/core/plan/tracking'
import type { ApplicationRow, StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { adoptionId, adoptionScopeOf } from './adoptions.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** Applications that wait for somebody to agree that objects of other tools become theirs. */
export interface WaitingAdoption {
  readonly id: string
  readonly scope: AdoptionScope
  readonly since: EpochMs
  readonly objects: readonly Adoption[]
  readonly applications: readonly ApplicationRow[]
  /** What was said of it before, where it waits all the same. */
  readonly verdict?: AdoptionVerdict
}

/** Everything that waits, by set, oldest first. */
export async function waitingAdoptions(world: World, rows: StoreReader): Promise<readonly WaitingAdoption[]> {
  const groups = new Map<string, { scope: AdoptionScope; rows: ApplicationRow[]; counts: Map<DeliveryTool, number> }>()
  for (const row of world.applications()) {
    if (row.hold?.code !== 'ADOPTION') continue
    const scope = adoptionScopeOf(row)
    const id = adoptionId(scope)
    const group = groups.get(id) ?? { scope, rows: [], counts: new Map<DeliveryTool, number>() }
    groups.set(id, group)
    group.rows.push(row)
    const approved = world.adoptions.toolsFor(row)
    for (const { tool, count } of (await rows.report(row.id))?.entry.adoptions ?? []) {
      if (!approved.includes(tool)) group.counts.set(tool, (group.counts.get(tool) ?? 0) + count)
    }
  }
  return [...groups]
    .map(([id, { scope, rows: applications, counts }]): WaitingAdoption => {
      const verdict = world.adoptions.verdictOn(scope)
      const objects = DELIVERY_TOOLS.flatMap(tool => {
        const count = counts.get(tool)
        return count === undefined ? [] : [{ tool, count }]
      })
      const since = Math.min(...applications.map(({ changedAt }) => changedAt))
      return { id, scope, since, objects, applications, ...(verdict ? { verdict } : {}) }
    })
    .sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1))
}

export interface AdoptionDecision {
  readonly verdict: 'approved' | 'rejected'
  /** For everything of the Projects concerned, now and later, in place of the set alone. */
  readonly wholeProject: boolean
  readonly by: string
  readonly reason: string
}

/**
 * Writes a person's verdict down and looks again at the Applications concerned. What is approved is that objects of the
 * tools that were counted may be taken over; another tool asks anew.
 *
 * @returns what was decided on; undefined when nothing of that id waits.
 */
export async function decideAdoption(
  id: string,
  { verdict, wholeProject, by, reason }: AdoptionDecision,
  world: World,
  services: LoopServices,
): Promise<WaitingAdoption | undefined> {
  const now = services.clock.now()
  const decided = await services.store.write(async writer => {
    const waiting = (await waitingAdoptions(world, writer)).find(each => each.id === id)
    if (!waiting) return undefined
    const projects = [...new Set(waiting.applications.map(({ project }) => project))].sort()
    const scopes: readonly AdoptionScope[] = wholeProject
      ? projects.map(name => ({ kind: 'project', name }))
      : [waiting.scope]
    const tools = waiting.objects.map(({ tool }) => tool)
    const given = scopes.map((scope): AdoptionVerdict => ({ scope, verdict, tools, by, at: now, reason }))
    const verdicts = await world.adoptions.put(writer, given)
    const applications = waiting.applications.map(({ name }) => name)
    await writer.appendAudit({
      at: now,
      actor: by,
      action: verdict === 'approved' ? 'adoption.approve' : 'adoption.reject',
      subject: scopes.map(scope => `${scope.kind} ${scope.name}`).join(', '),
      detail: { reason, objects: waiting.objects as unknown as Json, applications },
    })
    return { waiting, verdicts }
  })
  if (!decided) return undefined
  world.adoptions.take(decided.verdicts)
  const after = world.adoptions.verdictOn(decided.waiting.scope)
  return { ...decided.waiting, ...(after ? { verdict: after } : {}) }
}
