import { describe, expect, it } from 'vitest'
import type { Json } from '../json/json.ts'
import { JqError } from './jq-error.ts'
import { jqPlaces } from './jq-places.ts'
import { isJqMistake, parseJq } from './parse-jq.ts'

const DOCUMENT = {
  metadata: { name: 'web', annotations: { 'a.b/c': '1', 'istio.io/rev': 'x' }, labels: null },
  spec: {
    replicas: 3,
    containers: [
      { name: 'web', image: 'web:1', env: [{ name: 'A', value: '1' }, { name: 'B' }], ports: [80, 443] },
      { name: 'istio-proxy', image: 'Proxy:2', env: [] },
    ],
    'odd key': [[1], [2, 3]],
  },
  webhooks: [{ clientConfig: { caBundle: 'x' } }, { clientConfig: {} }],
} satisfies Json

/** What jq 1.7 answers to `path(…)`; a last element in round brackets is a list index. */
const PLACES: readonly (readonly [string, readonly string[]])[] = [
  ['.', ['']],
  ['.spec.replicas', ['spec/replicas']],
  ['.metadata.annotations["a.b/c"]', ['metadata/annotations/a.b~c']],
  ['.metadata.annotations."istio.io/rev"', ['metadata/annotations/istio.io~rev']],
  ['."metadata"["name"]', ['metadata/name']],
  ['.spec.containers[].image', ['spec/containers/0/image', 'spec/containers/1/image']],
  ['.spec.containers[0].image', ['spec/containers/0/image']],
  ['.spec.containers[-1].name', ['spec/containers/1/name']],
  ['.spec.containers[-5].name', []],
  ['.spec.containers[7].name', ['spec/containers/7/name']],
  ['.webhooks[]?.clientConfig.caBundle', ['webhooks/0/clientConfig/caBundle', 'webhooks/1/clientConfig/caBundle']],
  ['.nothing.deep', ['nothing/deep']],
  ['.nothing[]?', []],
  ['.spec.replicas.x?', []],
  ['.spec.containers[] | select(.name == "istio-proxy")', ['spec/containers/1']],
  [
    '.spec.containers[] | select(.name == "web") | .env[] | select(.name == "A") | .value',
    ['spec/containers/0/env/0/value'],
  ],
  ['.spec.containers[]|select(.name=="web").image # why', ['spec/containers/0/image']],
  ['.spec.containers[] | select(.name | startswith("istio"))', ['spec/containers/1']],
  ['.spec.containers[] | select(.image | test("proxy"; "i"))', ['spec/containers/1']],
  ['.spec.containers[] | select(.name == "web" and .image == "web:1") | .image', ['spec/containers/0/image']],
  ['.spec.containers[] | select(.name == "no" or (.env | length) == 0) | .env', ['spec/containers/1/env']],
  ['.spec.containers[] | select((.name == "web") | not) | .image', ['spec/containers/1/image']],
  ['.spec.containers[] | select(has("ports"))', ['spec/containers/0']],
  ['.spec.containers[] | select(any(.env[]?; .name == "B"))', ['spec/containers/0']],
  ['.spec.containers[] | select(.env | all(.name == "A"))', ['spec/containers/1']],
  ['.spec.containers[] | select(.name | IN("web", "api")) | .name', ['spec/containers/0/name']],
  ['.spec.containers[] | select(.image | ascii_downcase | endswith(":2"))', ['spec/containers/1']],
  ['.spec.containers[].ports[]? | select(. >= 80 and . <= 100)', ['spec/containers/0/ports/0']],
  ['.spec.replicas, .metadata.name', ['spec/replicas', 'metadata/name']],
  ['.spec | (.replicas, .paused)', ['spec/replicas', 'spec/paused']],
  ['.. | select(type == "object" and has("caBundle")) | .caBundle', ['webhooks/0/clientConfig/caBundle']],
  ['first(.spec.containers[] | .name)', ['spec/containers/0/name']],
  ['.spec["odd key"][] | select(length > 1)', ['spec/odd key/1']],
  ['.metadata.labels.x', ['metadata/labels/x']],
  ['.spec.containers[] | select(.name | contains("prox")) | .name', ['spec/containers/1/name']],
  ['.spec.containers[] | select((.name | rtrimstr("-proxy")) == "istio") | .name', ['spec/containers/1/name']],
  ['.spec.containers[] | select(.env | tostring | contains("\\"A\\"")) | .name', ['spec/containers/0/name']],
  ['.spec.containers[] | select(.name < "j") | .name', ['spec/containers/1/name']],
  ['empty', []],
]

const FAILURES: readonly (readonly [string, string])[] = [
  ['.nothing[]', 'iterate over null'],
  ['.spec.replicas.x', 'cannot index number'],
  ['.spec.replicas[]', 'iterate over number'],
  ['true', 'a value stands where a place is wanted'],
  ['.spec | has("replicas")', 'a value where a place is wanted'],
  ['.spec.containers[] | select(.ports | contains("x"))', 'containment'],
]

const REFUSALS: readonly (readonly [string, number, string])[] = [
  ['.spec.replicas + 1', 15, '"+" is not run here'],
  ['.spec as $x | $x', 6, '"as" is not run here'],
  ['del(.a)', 0, '"del" is not run here'],
  ['.spec |= 1', 6, '"|=" is not run here'],
  ['.metadata.annotations | to_entries', 24, '"to_entries" is not run here'],
  ['.spec.containers[', 17, 'a number, a text or nothing'],
  ['.spec.containers[1:]', 18, '":" is not run here'],
  ['"a\\(.b)"', 0, 'a value inside'],
  ['.a | selct(.name)', 5, 'did you mean select?'],
  ['.a | select(.b', 14, '")" is missing'],
  ['', 0, 'ends too early'],
  ['.a | select()', 12, '")" is not run here'],
  [`${'('.repeat(100)}.`, 64, 'deeper'],
]

const pattern = (source: string, flags: string) => {
  const compiled = new RegExp(source, flags)
  return (text: string) => compiled.test(text)
}

function places(source: string, document: Json = DOCUMENT): readonly string[] {
  const read = parseJq(source)
  if (isJqMistake(read)) throw new Error(`${source}: ${read.message}`)
  return jqPlaces(read, document, { pattern }).map(place =>
    place.map(step => String(step).replaceAll('/', '~')).join('/'),
  )
}

describe('jq places', () => {
  it.each(PLACES)('%s', (source, expected) => {
    expect(places(source)).toEqual(expected)
  })

  it.each(FAILURES)('fails for this document: %s', (source, message) => {
    expect(() => places(source)).toThrow(JqError)
    expect(() => places(source)).toThrow(message)
  })

  it.each(REFUSALS)('refuses %s', (source, at, message) => {
    expect(parseJq(source)).toEqual({ at, message: expect.stringContaining(message) })
  })

  it('ends on a document made to take for ever', () => {
    let deep: Json = []
    for (let depth = 0; depth < 100; depth++) deep = [deep]
    expect(() => places('.. | .. | .. | .. | select(. == 7)', deep)).toThrow('looks at more than')
  })

  it('numbers beyond 2^53 are compared by every digit', () => {
    expect(places('.[] | select(. == .)', [9007199254740993n])).toEqual(['0'])
    expect(places('.[] | select(. < 9007199254740992)', [9007199254740993n])).toEqual([])
  })

  it('a key __proto__ is a key', () => {
    const document = JSON.parse('{"__proto__": {"a": 1}, "b": {}}') as Json
    expect(places('.[] | select(has("a"))', document)).toEqual(['__proto__'])
    expect(places('.constructor.prototype', document)).toEqual(['constructor/prototype'])
  })
})
