import type { GateAction } from '@flotilla/core/gates/rules'
import type { AuditNote } from '@flotilla/core/ports/store'
import { describe, expect, it } from 'vitest'
import { runAsked } from '../audit/audited-store.ts'
import { HOUR_MS, hubWithGates } from '../gate-desk/testing/hub-with-gates.ts'
import type { GateWish } from '../operations/operation-desk.ts'
import { gateForPeople } from './gate-for-people.ts'

const by = { name: 'ana', kind: 'person' as const }

async function opened(level?: 'hard' | 'soft', blocks?: readonly GateAction[]) {
  const made = await hubWithGates()
  const { hub, desk } = made
  if (level !== undefined) {
    const at = (ms: number): string => new Date(hub.clock.now() + ms).toISOString()
    await desk.freezes.create(
      {
        ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod', metadata: { name: 'stop' } },
        spec: {
          ...{ level, reason: 'it burns', scope: { all: true }, when: [{ from: at(0), until: at(HOUR_MS) }] },
          ...(blocks && { blocks: [...blocks] }),
        },
      },
      by,
    )
  }
  const gate = gateForPeople(
    hub.loop.world.gates,
    () => hub.clock.now(),
    () => undefined,
  )
  const ask = async (wish: Partial<GateWish> = {}) => {
    const row = hub.application('web-eu-1')
    const given: GateWish = { actions: ['sync'], dryRun: false, by: 'ana', reason: '', ...wish }
    const stamp = { actor: 'ana', entries: 0, denials: [] as AuditNote[] }
    const answer = await runAsked(stamp, () => hub.store.write(writer => gate(writer, row, given)))
    const log = [...(await hub.store.read(rows => rows.audit({ limit: 100 }))), ...stamp.denials]
    await made.stop()
    return { answer, decisions: log.filter(({ action }) => action === 'gate.decide') }
  }
  return { ...made, ask }
}

describe('what gates say to people is written down', () => {
  it('a refusal with everything that holds and the rules that it was decided by', async () => {
    const { answer, decisions } = await (await opened('hard')).ask({ reason: 'please' })
    expect(answer.kind).toBe('closed')
    expect(decisions).toMatchObject([
      {
        ...{ actor: 'ana', subject: 'Application/web-eu-1', outcome: 'refused' },
        detail: { blockers: [{ rule: 'FreezePeriod/stop', code: 'FREEZE_HARD' }], reason: 'please', trigger: 'manual' },
        policyVersion: expect.stringMatching(/^rules-\d+$/),
      },
    ])
  })

  it('a permission as well', async () => {
    const { answer, decisions } = await (await opened()).ask()
    expect(answer.kind).toBe('open')
    expect(decisions).toMatchObject([{ actor: 'ana', detail: { blockers: [] } }])
    expect(decisions[0]?.outcome).toBeUndefined()
  })

  it('a dry run is not decided on', async () => {
    const { answer, decisions } = await (await opened('hard')).ask({ dryRun: true })
    expect([answer.kind, decisions]).toEqual(['open', []])
  })
})

describe('each thing that is asked for has to be open', () => {
  const CLOSED: readonly GateAction[] = ['prune', 'delete-app', 'actions']

  it.each<[string, readonly GateAction[], readonly GateAction[], string]>([
    ['a sync while only removing is closed', ['sync'], CLOSED, 'open'],
    ['a sync that removes while only that is closed', ['sync', 'prune'], CLOSED, 'closed'],
    ['a restart while actions are closed', ['actions'], CLOSED, 'closed'],
    ['a restart under a freeze as it is when it says nothing of actions', ['actions'], ['sync', 'prune'], 'open'],
  ])('%s', async (_, actions, blocks, expected) => {
    expect((await (await opened('hard', blocks)).ask({ actions })).answer.kind).toBe(expected)
  })

  it('names what is closed', async () => {
    const { answer, decisions } = await (await opened('hard', CLOSED)).ask({ actions: ['sync', 'prune'] })
    expect(answer).toMatchObject({ kind: 'closed', hold: { reason: expect.stringContaining('removing objects') } })
    expect(decisions).toMatchObject([{ outcome: 'refused', detail: { action: 'prune' } }])
  })

  it('a soft one asks for a reason for that, too', async () => {
    const soft = { actions: ['sync', 'prune'] as const }
    expect((await (await opened('soft', ['prune'])).ask(soft)).answer.kind).toBe('reason-required')
    expect((await (await opened('soft', ['prune'])).ask({ ...soft, reason: 'it must' })).answer.kind).toBe('open')
  })
})
