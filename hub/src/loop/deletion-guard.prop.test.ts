import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const NAMES = Array.from({ length: 14 }, (_, index) => `app-${index}`)

type Step =
  | { readonly kind: 'folders'; readonly there: readonly string[] }
  | { readonly kind: 'set'; readonly declared: boolean }
  | { readonly kind: 'decide'; readonly verdict: 'approve' | 'reject'; readonly which: number }
  | { readonly kind: 'restart'; readonly mirrors: 'lost' | 'kept' }
  | { readonly kind: 'away'; readonly away: boolean }
  | { readonly kind: 'wait' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.subarray(NAMES).map(there => ({ kind: 'folders', there }) as const) },
  { weight: 1, arbitrary: fc.boolean().map(declared => ({ kind: 'set', declared }) as const) },
  {
    weight: 5,
    // Any plan there ever was: also one whose list has changed since.
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      verdict: fc.constantFrom('approve', 'approve', 'reject'),
      which: fc.nat({ max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom('lost', 'kept').map(mirrors => ({ kind: 'restart', mirrors }) as const) },
  { weight: 1, arbitrary: fc.boolean().map(away => ({ kind: 'away', away }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'wait' } as const) },
)

/** One life of a hub, every step of which is held against what may go in it. */
async function live(steps: readonly Step[]): Promise<void> {
  const hub = new LoopHarness()
  const folders = (there: readonly string[]) =>
    Object.fromEntries(
      NAMES.map(name => [`apps/${name}/cm.json`, there.includes(name) ? configMap(name, {}) : null] as const),
    )
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'sets/shop.json': set('shop'),
  })
  hub.git.commit(APPS, { ...folders(NAMES), 'README.md': '' })
  await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  for (const each of steps) {
    const before = activeIds(hub)
    const approved = await perform(each, hub, folders)
    const after = activeIds(hub)
    const gone = [...before].filter(application => !after.has(application)).sort()
    if (approved) expect(gone).toEqual(approved.applications.map(({ id: of }) => of).sort())
    else {
      // What came back in this step was there as well.
      const total = new Set([...before, ...after]).size
      const allowed = Math.max(1, Math.min(10, Math.floor(total * 0.2)))
      expect(gone.length).toBeLessThanOrEqual(Math.min(allowed, Math.max(0, total - 1)))
    }
    // A Tombstone is for what was withdrawn, and for nothing else.
    const withdrawn = new Set([...hub.loop.world.applications()].flatMap(row => (row.state === 'active' ? [] : row.id)))
    for (const document of await hub.documents(id)) {
      if ('policy' in document)
        expect(withdrawn).toContain((document as unknown as { application: { id: string } }).application.id)
    }
    // What waits is what the plan says, once.
    const waiting = (await plans(hub)).filter(({ state }) => state === 'held' || state === 'rejected')
    const held = [...hub.loop.world.applications()].filter(
      ({ hold }) => hold?.code === 'DELETION_BUDGET' || hold?.code === 'SET_REMOVED',
    )
    expect(waiting.length).toBeLessThanOrEqual(1)
    expect(waiting.flatMap(plan => plan.applications.map(({ id: of }) => of)).sort()).toEqual(
      held.map(row => row.id).sort(),
    )
  }
}

function activeIds(hub: LoopHarness): ReadonlySet<string> {
  return new Set([...hub.loop.world.applications()].flatMap(row => (row.state === 'active' ? row.id : [])))
}

function plans(hub: LoopHarness): Promise<readonly DeletionPlan[]> {
  return hub.store.read(rows => rows.deletionPlans())
}

/** @returns The plan that this step let go, if it did. */
async function perform(
  step: Step,
  hub: LoopHarness,
  folders: (there: readonly string[]) => { readonly [path: string]: string | null },
): Promise<DeletionPlan | undefined> {
  switch (step.kind) {
    case 'folders':
      await hub.push(APPS, folders(step.there))
      return undefined
    case 'set':
      await hub.push(CONFIG, { 'sets/shop.json': step.declared ? set('shop') : null, 'README.md': 'so that it is one' })
      return undefined
    case 'decide': {
      const known = await plans(hub)
      const plan = known[step.which % Math.max(1, known.length)]
      if (!plan) return undefined
      const before = plan.state
      const answer = await hub.loop.decideDeletion(plan.id, { verdict: step.verdict, by: 'ana', reason: '' })
      await hub.loop.idle()
      return answer.kind === 'decided' && answer.plan.state === 'approved' && before !== 'approved' ? plan : undefined
    }
    case 'restart':
      await hub.restart(undefined, step.mirrors)
      return undefined
    case 'away':
      if (step.away) hub.git.away.add(APPS)
      else hub.git.away.delete(APPS)
      await hub.refresh(APPS)
      return undefined
    case 'wait':
      await hub.clock.advance(3_600_000)
      return undefined
  }
}

it('nothing goes that no approved plan and no budget let go, whatever is pushed, decided and restarted', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), live), {
    // A life of a hub costs as much as fifty templates.
    numRuns: Math.ceil(Number(process.env['FLOTILLA_FUZZ_CASES'] ?? 2_000) / 50),
  })
})
