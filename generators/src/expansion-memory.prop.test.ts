import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'
import { ExpansionMemory } from './expansion-memory.ts'
import { directoryMatcher, fileMatcher } from './git-paths.ts'
import { type GeneratorInputs, type InputAnswer, inputKey, isGitRequest } from './inputs.ts'

/** What a set looks at, as it is at one moment. */
interface World {
  readonly clusters: ReadonlyMap<string, string>
  readonly directories: ReadonlySet<string>
  readonly files: ReadonlyMap<string, string>
}

const DIRECTORIES =
  "git: { repoURL: R, revision: main, directories: [{ path: 'apps/*' }], values: { v: 'x-{{path.basename}}' } }"
const FILES = "git: { repoURL: R, revision: main, files: [{ path: 'apps/*.yaml' }] }"
const SHAPES = {
  'folders of a repository': { generator: DIRECTORIES, name: '{{path.basename}}' },
  'files of a repository': { generator: FILES, name: '{{path.filenameNormalized}}-{{size}}' },
  'Clusters by label': {
    generator: 'clusters: { selector: { matchLabels: { env: prod } }, values: { c: "{{name}}" } }',
    name: '{{name}}',
  },
  'Clusters and folders': {
    generator: `matrix: { generators: [{ clusters: {} }, { ${DIRECTORIES} }] }`,
    name: '{{name}}-{{path.basename}}',
  },
  'folders and Clusters, each filled in from the other': {
    generator: `matrix: { generators: [{ ${DIRECTORIES} }, { clusters: { values: { p: '{{path}}' } } }] }`,
    name: '{{name}}-{{path.basename}}',
  },
  'a matrix inside a matrix': {
    generator: `matrix: { generators: [{ list: { elements: [{ e: p }, { e: q }] } }, { matrix: { generators: [{ clusters: {} }, { ${DIRECTORIES} }] } }] }`,
    name: '{{e}}-{{name}}-{{path.basename}}',
  },
  'a merge': {
    generator:
      'merge: { mergeKeys: [name], generators: [{ clusters: {} }, { list: { elements: [{ name: a, x: z }] } }] }',
    name: '{{name}}',
  },
} as const

function setOf({ generator, name }: (typeof SHAPES)[keyof typeof SHAPES]) {
  return declaredSet(`apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  generators: [{ ${generator} }]
  template:
    metadata: { name: '${name}', labels: { env: '{{metadata.labels.env}}', v: '{{values.v}}' } }
    spec: { project: default, source: { repoURL: R, path: '{{path}}' }, destination: { name: '{{name}}' } }
`)
}

function expandIn(set: ReturnType<typeof setOf>, world: World, memory?: ExpansionMemory) {
  const answers = new Map<string, InputAnswer>()
  const clusters = [...world.clusters].map(([name, env]) => cluster(name, { env }))
  const inputs: GeneratorInputs = {
    ...inputsOf({ clusters, answer: request => answers.get(inputKey(request)) }),
    ...(memory && { memory }),
  }
  for (;;) {
    const expansion = expand(set, inputs)
    if (expansion.needs.length === 0) return expansion
    for (const request of expansion.needs.filter(isGitRequest)) {
      const directories = [...world.directories].filter(path => directoryMatcher(request.rules).matches(path))
      const files = [...world.files].map(([path, text]) => ({ path, text }))
      answers.set(
        inputKey(request),
        request.kind === 'git-directories'
          ? { kind: 'git-directories', commit: 'c', directories }
          : {
              kind: 'git-files',
              commit: 'c',
              files: files.filter(({ path }) => fileMatcher(request.rules, request.dialect).matches(path)),
            },
      )
    }
  }
}

const name = fc.constantFrom('a', 'b', 'c', 'd')
const edit: fc.Arbitrary<(world: World) => World> = fc.oneof(
  fc.tuple(name, fc.constantFrom('prod', 'dev', undefined)).map(([key, env]) => (world: World) => {
    const clusters = new Map(world.clusters)
    if (env === undefined) clusters.delete(key)
    else clusters.set(key, env)
    return { ...world, clusters }
  }),
  name.map(key => (world: World) => {
    const directories = new Set(world.directories)
    if (!directories.delete(`apps/${key}`)) directories.add(`apps/${key}`)
    return { ...world, directories }
  }),
  fc
    .tuple(name, fc.constantFrom('size: s', 'size: l', '[{ size: s }, { size: m }]', 'size: [', undefined))
    .map(([key, text]) => (world: World) => {
      const files = new Map(world.files)
      if (text === undefined) files.delete(`apps/${key}.yaml`)
      else files.set(`apps/${key}.yaml`, text)
      return { ...world, files }
    }),
)

const EMPTY: World = { clusters: new Map(), directories: new Set(), files: new Map() }

describe('an expansion that remembers the one before gives what one from scratch gives', () => {
  test.each(Object.entries(SHAPES))('%s', (_, shape) => {
    const set = setOf(shape)
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), edits => {
        const memory = new ExpansionMemory()
        let world = EMPTY
        for (const change of edits) {
          world = change(world)
          expect(expandIn(set, world, memory)).toEqual(expandIn(set, world))
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('what an expansion makes', () => {
  const set = setOf(SHAPES['Clusters and folders'])
  const world: World = {
    ...EMPTY,
    clusters: new Map([
      ['a', 'prod'],
      ['b', 'dev'],
    ]),
    directories: new Set(['apps/one', 'apps/two']),
  }

  test('stays the same where nothing concerns it', () => {
    const memory = new ExpansionMemory()
    const before = expandIn(set, world, memory).applications
    const more = { ...world, directories: new Set([...world.directories, 'apps/z']) }
    const after = expandIn(set, more, memory).applications
    expect(after).toHaveLength(before.length + 2)
    for (const { metadata, spec } of before) {
      const same = after.find(one => one.metadata.name === metadata.name)
      expect(same?.spec).toBe(spec)
    }
  })

  test('is made anew where a label changed, and nowhere else', () => {
    const memory = new ExpansionMemory()
    const before = expandIn(set, world, memory).applications
    const after = expandIn(
      set,
      { ...world, clusters: new Map([...world.clusters, ['b', 'prod']]) },
      memory,
    ).applications
    expect(after.map(({ metadata }, index) => metadata === before[index]?.metadata)).toEqual([true, true, false, false])
  })

  test('is forgotten with what it came from', () => {
    const memory = new ExpansionMemory()
    const [first] = expandIn(set, world, memory).applications
    expandIn(set, { ...world, directories: new Set() }, memory)
    const [again] = expandIn(set, world, memory).applications
    expect(again).toEqual(first)
    expect(again?.spec).not.toBe(first?.spec)
  })
})
