import { describe, expect, it } from 'vitest'
import type { OperationReport } from '../protocol/report.ts'
import { type ActivityNote, MOST_APPLICATIONS, mergeActivity } from './activity-entry.ts'
import { activityOfAudit } from './activity-of-audit.ts'
import { activityOfOperation } from './activity-of-operation.ts'

const WEB = { name: 'web', project: 'shop', cluster: 'eu-1' }
const OPERATION: OperationReport = {
  ...{ id: 'op', trigger: 'automated', by: 'flotilla', phase: 'Succeeded', message: 'done', revision: 'abc' },
  ...{ digest: `sha256:${'0'.repeat(64)}`, startedAt: 1_000, finishedAt: 3_500, results: [], resultsCut: 0 },
}
const pruned = (name: string) =>
  ({
    key: { group: '', kind: 'ConfigMap', namespace: 'shop', name },
    wave: 0,
    phase: 'Sync',
    outcome: 'pruned',
  }) as const

describe('the end of an operation in the feed', () => {
  it('says how it ended, by whom, and how long it took', () => {
    expect(activityOfOperation(OPERATION, WEB, 9)).toEqual([
      {
        ...{ at: 9, kind: 'sync.succeeded', event: 'sync.succeeded', subject: 'Application/web', by: 'flotilla' },
        ...{ message: 'done', applications: [WEB], applicationsCut: 0 },
        detail: {
          ...{ operation: 'op', trigger: 'automated', phase: 'Succeeded', revision: 'abc', attempts: 1 },
          durationMs: 2_500,
        },
      },
    ])
  })

  it('has a failure, a heal and a removal by their own words', () => {
    const kindOf = (change: Partial<OperationReport>) => activityOfOperation({ ...OPERATION, ...change }, WEB, 9)[0]
    expect(kindOf({ phase: 'Failed' })).toMatchObject({ kind: 'sync.failed', event: 'sync.failed' })
    expect(kindOf({ trigger: 'heal', phase: 'Error' })).toMatchObject({ kind: 'heal', event: 'heal.failed' })
    expect(kindOf({ trigger: 'delete' })).toMatchObject({ kind: 'removal', event: 'removal.succeeded' })
  })

  it('names what was deleted, as far as a line goes', () => {
    const results = Array.from({ length: 25 }, (_, index) => pruned(`c-${index}`))
    const [, prune] = activityOfOperation({ ...OPERATION, results }, WEB, 9)
    expect(prune).toMatchObject({ kind: 'prune', detail: { count: 25 } })
    expect(prune?.message).toMatch(/^deleted ConfigMap shop\/c-0, .* and 5 more$/)
  })
})

describe('what people did, in the feed', () => {
  const note = { at: 1, actor: 'ana', subject: 'Application/web', detail: { project: 'shop', cluster: 'eu-1' } }

  it('tells of a rollback with its reason, for who may see the Application', () => {
    const detail = { ...note.detail, reason: 'it hangs', revision: '0123456789abcdef' }
    expect(activityOfAudit({ ...note, detail, action: 'application.rollback' })).toMatchObject({
      ...{ kind: 'intervention', event: 'application.rollback', applications: [WEB] },
      message: 'rollback Application/web 0123456789ab: it hangs',
    })
  })

  it('tells of an admission for who may see the cluster', () => {
    expect(activityOfAudit({ ...note, subject: 'eu-1', action: 'cluster.approve' })).toMatchObject({
      ...{ kind: 'admission', about: { resource: 'clusters', name: 'eu-1' } },
    })
  })

  it('has nothing of what was refused, of tokens, and of what tells of itself', () => {
    expect(activityOfAudit({ ...note, action: 'application.rollback', outcome: 'refused' })).toBeUndefined()
    for (const action of ['token.create', 'application.sync', 'freeze.create', 'override.use']) {
      expect(activityOfAudit({ ...note, action }), action).toBeUndefined()
    }
  })
})

describe('entries of one key', () => {
  it('are one entry that names each Application once, and no more than it may', () => {
    const of = (from: number, count: number): ActivityNote => ({
      ...{ at: 1, event: 'commit', subject: 'c', by: 'git', message: `${from}`, applicationsCut: 0, detail: {} },
      applications: Array.from({ length: count }, (_, index) => ({ ...WEB, name: `web-${from + index}` })),
    })
    const merged = mergeActivity(of(0, 300), of(200, 400))
    expect(merged.applications).toHaveLength(MOST_APPLICATIONS)
    expect(merged.applicationsCut).toBe(100)
    expect(mergeActivity(merged, of(0, 10)).applicationsCut).toBe(100)
  })
})
