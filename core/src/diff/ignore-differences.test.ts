import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../json/json.ts'
import { type KubernetesObject, keyOf } from '../model/kubernetes-object.ts'
import { countedDifferences, respectIgnored } from './ignore-differences.ts'
import { loadDiffLanguages, NO_IGNORE_RULES, readIgnoreRules } from './ignore-rules.ts'

const DEPLOYMENT = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }

async function rulesOf(...documents: readonly JsonObject[]) {
  return readIgnoreRules(documents, await loadDiffLanguages(documents))
}

describe('readIgnoreRules', () => {
  it.each<[string, JsonObject, boolean]>([
    ['group and kind exactly', { group: 'apps', kind: 'Deployment' }, true],
    ['globs', { group: '*', kind: 'Dep*' }, true],
    ['no group is the core group', { kind: 'Deployment' }, false],
    ['another name', { group: 'apps', kind: 'Deployment', name: 'api' }, false],
    ['another namespace', { group: 'apps', kind: 'Deployment', namespace: 'x' }, false],
  ])('matches by %s', (_sentence, rule, matches) => {
    expect(readIgnoreRules([rule]).rules[0]!.matches(DEPLOYMENT)).toBe(matches)
  })

  it('names every expression that cannot be run', async () => {
    const { mistakes } = await rulesOf(
      { kind: '*', jqPathExpressions: ['.spec', '.spec + 1', 'del(.x)'] },
      { kind: '*', celExpressions: ['path == "x"', 'path ==', 'path.matches("a")'] },
    )
    expect(mistakes).toEqual([
      expect.stringContaining('".spec + 1": "+" is not run here'),
      expect.stringContaining('"del(.x)": "del" is not run here'),
      expect.stringContaining('"path =="'),
      expect.stringContaining('may not call matches'),
    ])
  })
})

interface Row {
  readonly rule: JsonObject
  readonly live: JsonObject
  readonly desired: JsonObject
  /** Paths that count all the same. */
  readonly counted?: readonly string[]
  readonly owners?: readonly JsonObject[]
}

const containers = (...items: readonly JsonObject[]): JsonObject => ({ spec: { containers: items } })
const OURS: JsonObject = {
  'f:metadata': { 'f:annotations': { 'f:a/b~c': {}, 'f:kept': {} } },
  'f:spec': {
    'f:replicas': {},
    'f:list': {},
    'f:containers': {
      'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {}, 'f:cpu': {} },
      'k:{"name":"side"}': { '.': {}, 'f:name': {}, 'f:image': {} },
    },
  },
}

const COMPARED: { readonly [sentence: string]: Row } = {
  'a pointer, unescaped': {
    rule: { jsonPointers: ['/metadata/annotations/a~1b~0c'] },
    live: { metadata: { annotations: { 'a/b~c': '1', kept: '1' } } },
    desired: { metadata: { annotations: { 'a/b~c': '2', kept: '2' } } },
    counted: ['.metadata.annotations.kept'],
  },
  'a pointer to an item of a list that is one value': {
    rule: { jsonPointers: ['/spec/list/1', '/spec/list/0', '/spec/missing/deep', 'odd'] },
    live: { spec: { list: ['a', 'b', 'c'] } },
    desired: { spec: { list: ['x', 'y', 'c'] } },
  },
  'an expression that picks by name': {
    rule: { jqPathExpressions: ['.spec.containers[] | select(.name == "side") | .image'] },
    live: containers({ name: 'side', image: '1' }, { name: 'web', image: '1' }),
    desired: containers({ name: 'web', image: '2' }, { name: 'side', image: '2' }),
    counted: ['.spec.containers[name="web"].image'],
  },
  'an expression with a pattern': {
    rule: { jqPathExpressions: ['.spec.containers[] | select(.name | test("^s(i|o)de$")) | .image'] },
    live: containers({ name: 'side', image: '1' }),
    desired: containers({ name: 'side', image: '2' }),
  },
  'an expression that fails on this object leaves the others alone': {
    rule: { jqPathExpressions: ['.spec.replicas[]', '.spec.list'] },
    live: { spec: { replicas: 1, list: [1] } },
    desired: { spec: { replicas: 2, list: [2] } },
    counted: ['.spec.replicas'],
  },
  'what a trusted manager owns': {
    rule: { managedFieldsManagers: ['vpa'] },
    live: containers({ name: 'web', image: '1', cpu: 2 }),
    desired: containers({ name: 'web', image: '2', cpu: 1 }),
    owners: [
      {
        manager: 'vpa',
        operation: 'Update',
        fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:cpu': {} } } } },
      },
    ],
    counted: ['.spec.containers[name="web"].image'],
  },
  'what a trusted manager owns, the item itself and its key included': {
    rule: { managedFieldsManagers: ['vpa'] },
    live: containers({ name: 'web', image: '1', cpu: 2 }),
    desired: containers({ name: 'web', image: '2', cpu: 1 }),
    owners: [
      {
        manager: 'vpa',
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:cpu': {} } } } },
      },
    ],
    counted: ['.spec.containers[name="web"].image'],
  },
  'an expression in CEL over the difference': {
    rule: { celExpressions: ['path == ".spec.replicas" && live > desired'] },
    live: { spec: { replicas: 5, list: [1] } },
    desired: { spec: { replicas: 2, list: [2] } },
    counted: ['.spec.list'],
  },
  'an expression in CEL that is false': {
    rule: { celExpressions: ['path == ".spec.replicas" && live > desired'] },
    live: { spec: { replicas: 1 } },
    desired: { spec: { replicas: 2 } },
    counted: ['.spec.replicas'],
  },
  'an expression in CEL that cannot be computed': {
    rule: { celExpressions: ['live.nothing > 1'] },
    live: { spec: { replicas: 1 } },
    desired: { spec: { replicas: 2 } },
    counted: ['.spec.replicas'],
  },
  'numbers and keys that are hard to keep': {
    rule: { jsonPointers: ['/spec/replicas'] },
    live: { spec: { replicas: 1, list: [9007199254740993n] } },
    desired: { spec: { replicas: 2, list: [9007199254740992n] } },
    counted: ['.spec.list'],
  },
}

describe('countedDifferences', () => {
  it.each(Object.entries(COMPARED))('%s', async (_sentence, { rule, live, desired, counted = [], owners = [] }) => {
    const ignore = await rulesOf({ kind: '*', ...rule })
    const [left, right] = [thing(live, OURS, owners), thing(desired, OURS)]
    const found = countedDifferences(ignore, keyOf(left), left, right, 'flotilla')
    expect(found.map(({ path }) => path)).toEqual(counted)
    const without = countedDifferences(NO_IGNORE_RULES, keyOf(left), left, right, 'flotilla')
    if (counted.length === 0) expect(without).not.toEqual([])
  })
})

interface SentRow {
  readonly rule: JsonObject
  readonly target: JsonObject
  readonly live: JsonObject
  readonly ours: JsonObject
  readonly owners?: readonly JsonObject[]
  readonly sent: Json
}

const WEB = { name: 'web', image: 'web:2', cpu: 1 }
const IMAGE = { jsonPointers: ['/spec/containers/0/image'] }
const item = (fields: JsonObject): JsonObject => ({ 'f:spec': { 'f:containers': { 'k:{"name":"web"}': fields } } })

const SENT: { readonly [sentence: string]: SentRow } = {
  'while it is ours the live value is sent': {
    rule: IMAGE,
    target: containers(WEB),
    live: containers({ ...WEB, image: 'web:1' }),
    ours: item({ 'f:image': {}, 'f:cpu': {} }),
    sent: { containers: [{ ...WEB, image: 'web:1' }] },
  },
  'replicas that only we own are never sent without a value': {
    rule: { jsonPointers: ['/spec/replicas'] },
    target: { spec: { replicas: 3 } },
    live: { spec: { replicas: 7 } },
    ours: { 'f:spec': { 'f:replicas': {} } },
    sent: { replicas: 7 },
  },
  'it is left out once somebody else owns it': {
    rule: IMAGE,
    target: containers(WEB),
    live: containers({ ...WEB, image: 'web:1' }),
    ours: item({ 'f:cpu': {} }),
    owners: [{ manager: 'other', operation: 'Update', fieldsV1: item({ 'f:image': {} }) }],
    sent: { containers: [{ name: 'web', cpu: 1 }] },
  },
  'where nothing is live the manifest’s value is sent': {
    rule: IMAGE,
    target: containers(WEB),
    live: {},
    ours: {},
    sent: { containers: [WEB] },
  },
  'an item that stands elsewhere in the manifest is found by its key': {
    rule: { jqPathExpressions: ['.spec.containers[] | select(.name == "web") | .image'] },
    target: containers({ name: 'side', image: 's' }, WEB),
    live: containers({ ...WEB, image: 'web:1' }, { name: 'side', image: 's' }),
    ours: item({ '.': {}, 'f:name': {}, 'f:image': {} }),
    sent: {
      containers: [
        { name: 'side', image: 's' },
        { ...WEB, image: 'web:1' },
      ],
    },
  },
  'of an ignored object, what is ours as it is, and nothing that is theirs': {
    rule: { jsonPointers: ['/spec/template'] },
    target: { spec: { template: { a: 1, b: 1, c: 1 } } },
    live: { spec: { template: { a: 2, b: 2 } } },
    ours: { 'f:spec': { 'f:template': { 'f:a': {} } } },
    sent: { template: { a: 2 } },
  },
  'a list that is one value keeps its other elements': {
    rule: { jqPathExpressions: ['.spec.args[1]'] },
    target: { spec: { args: ['x', 'y', 'z'] } },
    live: { spec: { args: ['a', 'b'] } },
    ours: {},
    owners: [{ manager: 'other', operation: 'Update', fieldsV1: { 'f:spec': { 'f:args': {} } } }],
    sent: { args: ['x', 'b', 'z'] },
  },
  'what a trusted manager owns is left out': {
    rule: { managedFieldsManagers: ['vpa'] },
    target: containers(WEB),
    live: containers({ ...WEB, cpu: 9 }),
    ours: item({ 'f:image': {} }),
    owners: [{ manager: 'vpa', operation: 'Update', fieldsV1: item({ 'f:cpu': {} }) }],
    sent: { containers: [{ name: 'web', image: 'web:2' }] },
  },
  'what a test in CEL lets be stays': {
    rule: { celExpressions: ['path.endsWith(".cpu") && live > desired'] },
    target: containers(WEB),
    live: containers({ ...WEB, image: 'web:1', cpu: 9 }),
    ours: item({ 'f:image': {}, 'f:cpu': {} }),
    sent: { containers: [{ ...WEB, cpu: 9 }] },
  },
  'with onSync: overwrite the manifest is sent': {
    rule: { ...IMAGE, onSync: 'overwrite' },
    target: containers(WEB),
    live: containers({ ...WEB, image: 'web:1' }),
    ours: item({ 'f:image': {} }),
    sent: { containers: [WEB] },
  },
}

describe('respectIgnored', () => {
  it.each(Object.entries(SENT))('%s', async (_sentence, { rule, target, live, ours, owners = [], sent }) => {
    const ignore = await rulesOf({ kind: '*', ...rule })
    const wanted = thing(target)
    const is = thing(live, ours, owners)
    expect(respectIgnored(wanted, is, keyOf(is), ignore, 'flotilla')['spec']).toEqual(sent)
    expect(wanted['spec']).toEqual(target['spec'])
  })
})

function thing(content: JsonObject, fieldsV1?: JsonObject, owners: readonly JsonObject[] = []): KubernetesObject {
  const metadata = (content['metadata'] ?? {}) as JsonObject
  const ours = fieldsV1 ? [{ manager: 'flotilla', operation: 'Apply', fieldsV1 }] : []
  return {
    ...content,
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'thing', ...metadata, managedFields: [...ours, ...owners] },
  }
}
