import type { JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { GENERATORS } from './generators/registry.ts'
import { holdsGenerator } from './holds-generator.ts'
import { requeueAfterMs } from './requeue.ts'
import { strategyHold } from './strategy-hold.ts'
import { unrecognizedGenerators, unrecognizedMessage } from './unrecognized-generators.ts'
import { validateApplications } from './validate-applications.ts'

describe('requeueAfterMs', () => {
  const table: { [sentence: string]: [readonly JsonObject[], number] } = {
    'lists and clusters are told of every change': [[{ list: {} }, { clusters: {} }], 0],
    'git looks every three minutes': [[{ git: {} }], 180_000],
    'or as the generator says': [[{ git: { requeueAfterSeconds: 10 } }], 10_000],
    'zero turns it off': [[{ git: { requeueAfterSeconds: 0 } }], 0],
    'providers are asked every half hour': [[{ pullRequest: {} }], 1_800_000],
    'the shortest counts': [[{ pullRequest: {} }, { git: { requeueAfterSeconds: 20 }, list: {} }], 20_000],
    'nested ones too': [
      [{ matrix: { generators: [{ list: {} }, { merge: { generators: [{ git: { requeueAfterSeconds: 7 } }] } }] } }],
      7_000,
    ],
    'a generator that is null is none': [[{ git: null }], 0],
  }
  for (const [sentence, [generators, expected]] of Object.entries(table)) {
    test(sentence, () => expect(requeueAfterMs({ generators })).toBe(expected))
  }
  test('the installation may say how often git looks', () => {
    expect(requeueAfterMs({ generators: [{ git: {} }] }, { defaultSeconds: 60 })).toBe(60_000)
  })
})

describe('strategyHold', () => {
  const hold = (strategy?: JsonObject) => strategyHold({ strategy } as Pick<ApplicationSetSpec, 'strategy'>)
  test('steps are held until they are built', () =>
    expect(hold({ type: 'RollingSync' })?.code).toBe('UNSUPPORTED_STRATEGY'))
  test('all at once is not', () => {
    expect([undefined, {}, { type: '' }, { type: 'AllAtOnce' }].map(hold)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
  test('the hold says where', () => {
    const at = { file: 'a.yaml', line: 3, column: 5 }
    expect(strategyHold({ strategy: { type: 'RollingSync' } }, at)?.at).toEqual(at)
  })
})

describe('unrecognizedGenerators', () => {
  const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
  const find = (entries: readonly JsonObject[], lastApplied?: unknown) =>
    unrecognizedGenerators(
      entries,
      lastApplied === undefined
        ? {}
        : { [LAST_APPLIED]: typeof lastApplied === 'string' ? lastApplied : JSON.stringify(lastApplied) },
      GENERATORS,
    )
  test('known generators and lone selectors are recognised', () => {
    expect(find([{ list: {} }, { git: {}, selector: {} }, { selector: {} }])).toEqual([])
  })
  test('unknown keys are named, beside known ones too', () => {
    expect(find([{ lists: {} }, { list: {}, aws: {} }])).toEqual([
      { index: 0, names: ['lists'] },
      { index: 1, names: ['aws'] },
    ])
  })
  test('of an entry that was pruned the annotation knows the name', () => {
    expect(find([{}, {}], { spec: { generators: [{ list: {} }, { aws: {} }] } })).toEqual([
      { index: 0, names: [] },
      { index: 1, names: ['aws'] },
    ])
  })
  test('an annotation that is broken or of another shape says nothing', () => {
    for (const text of ['{', '[]', '{"spec": 1}', '{"spec": {"generators": {}}}']) {
      expect(find([{}], text)).toEqual([{ index: 0, names: [] }])
    }
  })
  test('the message is that of Argo CD', () => {
    expect([unrecognizedMessage('web', ['a', 'b']), unrecognizedMessage('web', [])]).toEqual([
      'ApplicationSet web contains unrecognized generators: a, b',
      'ApplicationSet web contains unrecognized generators',
    ])
  })
})

describe('validateApplications', () => {
  const facts = {
    projects: ['default'],
    clusters: [
      { name: 'eu', servers: ['https://eu'] },
      { name: 'two', servers: ['https://a'] },
      { name: 'two', servers: ['https://b'] },
    ],
  }
  const application = (name: string, destination: JsonObject, project = 'default'): JsonObject => ({
    metadata: { name },
    spec: { project, destination },
  })
  const table: { [sentence: string]: [readonly JsonObject[], JsonObject] } = {
    'a good one passes': [[application('a', { name: 'eu' }), application('b', { server: 'https://eu' })], {}],
    'one without a name': [
      [application('', { name: 'eu' })],
      { '': expect.stringMatching(/^ApplicationSet web contains an application with no name; /) as never },
    ],
    'a name that occurs twice': [
      [application('a', { name: 'eu' }), application('a', { name: 'eu' })],
      { a: 'ApplicationSet web contains applications with duplicate name: a' },
    ],
    'a project that does not exist': [
      [application('a', { name: 'eu' }, 'no')],
      { a: 'application references project no which does not exist' },
    ],
    'a cluster that does not exist': [
      [application('a', { name: 'no' })],
      { a: 'application destination spec is invalid: there are no clusters with this name: no' },
    ],
    'a name that two clusters have': [
      [application('a', { name: 'two' })],
      { a: 'application destination spec is invalid: there are 2 clusters with the same name: [https://a https://b]' },
    ],
    'name and server': [
      [application('a', { name: 'eu', server: 'https://eu' })],
      {
        a: "application destination spec is invalid: application destination can't have both name and server defined: eu https://eu",
      },
    ],
    'a server that nobody knows': [
      [application('a', { server: 'https://no' })],
      { a: expect.stringMatching(/cluster "https:\/\/no" not found$/) as never },
    ],
    'no destination': [
      [application('a', {})],
      { a: 'application destination spec is invalid: Destination server missing from app spec' },
    ],
    'the key holds the namespace': [
      [{ metadata: { name: 'a', namespace: 'n' }, spec: { project: 'no' } }],
      { 'n/a': 'application references project no which does not exist' },
    ],
  }
  for (const [sentence, [applications, expected]] of Object.entries(table)) {
    test(sentence, () => expect(Object.fromEntries(validateApplications('web', applications, facts))).toEqual(expected))
  }
})

describe('holdsGenerator', () => {
  const table: { [sentence: string]: [readonly JsonObject[], boolean] } = {
    'in an entry': [[{ list: {} }, { clusters: {} }], true],
    'inside a matrix, a merge and a union': [
      [{ matrix: { generators: [{ merge: { generators: [{ union: { generators: [{ clusters: {} }] } }] } }] } }],
      true,
    ],
    'not as a parameter': [[{ list: { elements: [{ clusters: {} }] } }], false],
    'not when it is null': [[{ clusters: null }], false],
    'not among nothing': [[], false],
  }
  for (const [sentence, [entries, expected]] of Object.entries(table)) {
    test(sentence, () => expect(holdsGenerator('clusters', entries)).toBe(expected))
  }
})
