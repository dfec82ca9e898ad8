import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { type PatchingVerb, planObjectAction, RESTARTED_ANNOTATION, verbsOf } from './object-action.ts'

const live = (kind: string, spec: JsonObject, apiVersion = 'apps/v1'): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: 'web', namespace: 'shop', uid: 'uid-1' },
  spec,
})
const object = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const plan = (verb: PatchingVerb, of: KubernetesObject, replicas = 3) =>
  planObjectAction(verb === 'scale' ? { verb, object, replicas } : { verb, object }, of, 'command-1')
const same = { op: 'test', path: '/metadata/uid', value: 'uid-1' }
const bare = { template: { spec: {} } }
const labelled = { template: { metadata: { labels: { app: 'web' } }, spec: {} } }
const annotated = (value: string) => ({ template: { metadata: { annotations: { [RESTARTED_ANNOTATION]: value } } } })

describe('what a command changes in an object', () => {
  const rows: readonly (readonly [string, ReturnType<typeof plan>, JsonObject])[] = [
    [
      'scale sets, it does not add',
      plan('scale', live('Deployment', { replicas: 1 })),
      { op: 'add', path: '/spec/replicas', value: 3 },
    ],
    [
      'scale of what relies on the default',
      plan('scale', live('StatefulSet', {})),
      { op: 'add', path: '/spec/replicas', value: 3 },
    ],
    [
      'scale to none',
      plan('scale', live('Deployment', { replicas: 1 }), 0),
      { op: 'add', path: '/spec/replicas', value: 0 },
    ],
    [
      'restart writes the id where no metadata is',
      plan('restart', live('Deployment', bare)),
      { op: 'add', path: '/spec/template/metadata', value: { annotations: { [RESTARTED_ANNOTATION]: 'command-1' } } },
    ],
    [
      'restart writes the id where no annotations are',
      plan('restart', live('DaemonSet', labelled)),
      { op: 'add', path: '/spec/template/metadata/annotations', value: { [RESTARTED_ANNOTATION]: 'command-1' } },
    ],
    [
      'restart replaces the id of an earlier one',
      plan('restart', live('StatefulSet', annotated('command-0'))),
      { op: 'add', path: '/spec/template/metadata/annotations/flotilla.dev~1restarted', value: 'command-1' },
    ],
    [
      'suspend a CronJob',
      plan('suspend', live('CronJob', {}, 'batch/v1')),
      { op: 'add', path: '/spec/suspend', value: true },
    ],
    [
      'resume a Deployment',
      plan('resume', live('Deployment', { paused: true })),
      { op: 'add', path: '/spec/paused', value: false },
    ],
  ]
  for (const [sentence, answer, operation] of rows) {
    test(sentence, () => expect(answer).toMatchObject({ kind: 'patch', operations: [same, operation] }))
  }

  test('what is as wanted is left alone', () => {
    expect(plan('scale', live('Deployment', { replicas: 3 })).kind).toBe('nothing')
    expect(plan('restart', live('Deployment', annotated('command-1'))).kind).toBe('nothing')
    expect(plan('suspend', live('Job', { suspend: true }, 'batch/v1')).kind).toBe('nothing')
    expect(plan('resume', live('CronJob', {}, 'batch/v1')).kind).toBe('nothing')
  })

  test('kinds that have no such verb refuse it, and say which object', () => {
    for (const verb of ['scale', 'restart', 'suspend', 'resume'] as const) {
      const answer = plan(verb, live('ConfigMap', {}, 'v1'))
      expect(answer).toMatchObject({ kind: 'refuse' })
      expect(answer.kind === 'refuse' && answer.message).toMatch(/^ConfigMap shop\/web cannot be /)
    }
    expect(plan('restart', live('Deployment', {})).kind).toBe('refuse')
  })

  test('every kind can be deleted, and has the verbs that it has', () => {
    expect(verbsOf({ group: 'apps', kind: 'Deployment' })).toEqual(['restart', 'scale', 'suspend', 'resume', 'delete'])
    expect(verbsOf({ group: 'batch', kind: 'CronJob' })).toEqual(['suspend', 'resume', 'delete'])
    expect(verbsOf({ group: '', kind: 'Secret' })).toEqual(['delete'])
  })
})
