import { describe, expect, test } from 'vitest'
import { contextOf, generate, ourContext } from '../../test/generator-context.ts'
import { type InputAnswer, type InputRequest, isGitRequest } from '../inputs.ts'

const answering = (answer: InputAnswer, parts: Parameters<typeof contextOf>[0] = {}) =>
  contextOf({ ask: () => answer, ...parts })
const directories = (...list: string[]): InputAnswer => ({ kind: 'git-directories', commit: 'c', directories: list })
const files = (entries: { [path: string]: string }): InputAnswer => ({
  kind: 'git-files',
  commit: 'c',
  files: Object.entries(entries).map(([path, text]) => ({ path, text })),
})
const DIRECTORIES = 'git: { repoURL: R, revision: main, directories: [{ path: "*/*" }] }'
const FILES = 'git: { repoURL: R, revision: main, files: [{ path: "*" }] }'

describe('git directories', () => {
  test('a directory gives its path, its name and its segments', () => {
    expect(generate(DIRECTORIES, answering(directories('apps/My_App')))).toEqual([
      {
        path: 'apps/My_App',
        'path.basename': 'My_App',
        'path.basenameNormalized': 'my-app',
        'path[0]': 'apps',
        'path[1]': 'My_App',
      },
    ])
  })
  test('nested parameters are one object', () => {
    expect(generate(DIRECTORIES, answering(directories('apps/My_App'), { nested: true }))).toEqual([
      {
        path: {
          path: 'apps/My_App',
          basename: 'My_App',
          basenameNormalized: 'my-app',
          segments: ['apps', 'My_App'],
        },
      },
    ])
  })
  test('a prefix stands in front of every key', () => {
    const yaml = DIRECTORIES.replace('directories', 'pathParamPrefix: my, directories')
    const [set] = generate(yaml, answering(directories('a/b'))) as readonly object[]
    expect(Object.keys(set!)).toEqual([
      'my.path',
      'my.path.basename',
      'my.path.basenameNormalized',
      'my.path[0]',
      'my.path[1]',
    ])
    expect(generate(yaml, answering(directories('a/b'), { nested: true }))).toEqual([
      { my: { path: expect.objectContaining({ path: 'a/b' }) } },
    ])
  })
  test('they come in the order of a walk', () => {
    const sets = generate(DIRECTORIES, answering(directories('b/a', 'a-b/c', 'a/z', 'a/b'))) as readonly {
      path: string
    }[]
    expect(sets.map(({ path }) => path)).toEqual(['a/b', 'a/z', 'a-b/c', 'b/a'])
  })
  test('rules in another order, or twice, ask the same', () => {
    const asked: InputRequest[] = []
    const context = contextOf({
      ask: request => {
        asked.push(request)
        return undefined
      },
    })
    generate(
      'git: { repoURL: R, revision: "", directories: [{ path: b }, { path: a, exclude: true }, { path: a }] }',
      context,
    )
    generate(
      'git: { repoURL: R, revision: HEAD, directories: [{ path: a }, { path: b }, { path: a }, { path: a, exclude: true }] }',
      context,
    )
    expect(asked[0]).toEqual(asked[1])
    expect(asked[0]).toEqual({
      kind: 'git-directories',
      repoURL: 'R',
      revision: 'HEAD',
      rules: [
        { path: 'a', exclude: false },
        { path: 'b', exclude: false },
        { path: 'a', exclude: true },
      ],
    })
  })
})

describe('git files', () => {
  const PATH = {
    path: 'envs/Prod_EU',
    'path.basename': 'Prod_EU',
    'path.basenameNormalized': 'prod-eu',
    'path.filename': 'config.json',
    'path.filenameNormalized': 'config.json',
    'path[0]': 'envs',
    'path[1]': 'Prod_EU',
  }
  const of = (text: string, parts: Parameters<typeof contextOf>[0] = {}) =>
    generate(FILES, answering(files({ 'envs/Prod_EU/config.json': text }), parts))

  const table: { [sentence: string]: [string, unknown] } = {
    'an object is flattened to texts': [
      '{"a": {"b": [1, true, null]}, "n": 1234567}',
      [{ 'a.b.0': '1', 'a.b.1': 'true', 'a.b.2': '<nil>', n: '1.234567e+06', ...PATH }],
    ],
    'a list gives a set for each object': [
      '- a: x\n- a: z\n',
      [
        { a: 'x', ...PATH },
        { a: 'z', ...PATH },
      ],
    ],
    'an empty file is one set': ['', [PATH]],
    'so is one of comments': ['# nothing\n', [PATH]],
    'so is null': ['null', [PATH]],
    'an empty list gives nothing': ['[]', []],
    'path parameters win over keys of the file': ['{"path": "x", "path.basename": "z"}', [PATH]],
    'other keys below path survive': ['{"path": {"foo": "x"}}', [{ 'path.foo': 'x', ...PATH }]],
    'JSON may be indented with tabs': ['{\n\t"a": {\n\t\t"b": "x"\n\t}\n}', [{ 'a.b': 'x', ...PATH }]],
    'YAML 1.1 booleans are booleans': ['a: yes', [{ a: 'true', ...PATH }]],
    'dates stay texts': ['a: 2001-01-01', [{ a: '2001-01-01', ...PATH }]],
    'keys that are no texts become texts': ['1: x\ntrue: z\n', [{ 1: 'x', true: 'z', ...PATH }]],
    'only the first document counts': ['a: x\n---\nb: [', [{ a: 'x', ...PATH }]],
    'of a key that is given twice the last counts': ['a: x\na: z\n', [{ a: 'z', ...PATH }]],
    'a scalar is an error': [
      'invalid',
      "git: error generating params from git: unable to process file 'envs/Prod_EU/config.json' from repository 'R': unable to parse file: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type []map[string]interface {}",
    ],
    'a list of scalars is an error': [
      '[a]',
      expect.stringMatching(/cannot unmarshal string into Go value of type map\[string\]interface {}$/),
    ],
    'broken YAML is an error with its line': [
      'a:\n  b: [',
      expect.stringMatching(/unable to parse file: error converting YAML to JSON: yaml: line 2/),
    ],
    'a billion laughs are an error': [
      `a: &a [x, x]\n${'bcdefghijklmnopqrstuvwxyz'.replace(/./g, (key, at) => `${key}: &${key} [*${'abcdefghijklmnopqrstuvwxyz'[at]}, *${'abcdefghijklmnopqrstuvwxyz'[at]}]\n`)}`,
      expect.stringMatching(/unable to parse file/),
    ],
    'nesting without end is an error': [
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      expect.stringMatching(/unable to parse file/),
    ],
  }
  for (const [sentence, [text, expected]] of Object.entries(table)) {
    test(sentence, () => expect(of(text)).toEqual(expected))
  }

  test('nested parameters are the object with path laid over', () => {
    expect(of('{"a": {"b": 1}, "path": "x"}', { nested: true })).toEqual([
      {
        a: { b: 1 },
        path: {
          path: 'envs/Prod_EU',
          basename: 'Prod_EU',
          basenameNormalized: 'prod-eu',
          filename: 'config.json',
          filenameNormalized: 'config.json',
          segments: ['envs', 'Prod_EU'],
        },
      },
    ])
  })
  test('a file in the root has the directory "."', () => {
    const [set] = generate(FILES, answering(files({ 'a.yaml': '' }))) as readonly object[]
    expect(set).toEqual({
      path: '.',
      'path.basename': '.',
      'path.basenameNormalized': '',
      'path.filename': 'a.yaml',
      'path.filenameNormalized': 'a.yaml',
      'path[0]': '.',
    })
  })
  test('files come in the order of their bytes, and every broken one is named', () => {
    const sets = generate(FILES, answering(files({ b: '', Z: '', é: '', a: '' }))) as readonly {
      'path.filename': string
    }[]
    expect(sets.map(set => set['path.filename'])).toEqual(['Z', 'a', 'b', 'é'])
    const failures = generate(FILES, answering(files({ b: 'x', a: 'z', c: '' }))) as string
    expect(failures.split('\n').map(line => /file '(.)'/.exec(line)?.[1])).toEqual(['a', 'b'])
  })
  test('a key __proto__ of a file is a parameter', () => {
    const [set] = of('{"__proto__": {"polluted": "x"}}') as readonly object[]
    expect(Object.hasOwn(set!, '__proto__.polluted')).toBe(true)
    const [nested] = of('{"__proto__": {"polluted": "x"}}', { nested: true }) as readonly { polluted?: string }[]
    expect(Object.hasOwn(nested!, '__proto__')).toBe(true)
    expect(nested?.polluted).toBeUndefined()
  })
})

describe('git, common', () => {
  const table: { [sentence: string]: [string, Parameters<typeof contextOf>[0], unknown] } = {
    'without an answer it waits': [DIRECTORIES, {}, 'waiting'],
    'without paths it is empty': [
      'git: { repoURL: R, revision: main }',
      {},
      'git: error generating params from git: ApplicationSet is empty',
    ],
    'with both, files are ignored': [
      'git: { repoURL: R, revision: main, directories: [{ path: "*" }], files: [{ path: "*" }] }',
      { ask: request => ({ kind: 'failed', code: 'X', message: request.kind, retry: true }) },
      'git: error generating params from git: error getting directories from repo: git-directories',
    ],
    'an unknown project is an error': [
      DIRECTORIES,
      { inputs: { clusters: [], projects: [] } },
      'git: error generating params from git: error getting project default: appprojects.argoproj.io "default" not found',
    ],
    'a templated project is not looked up': [
      DIRECTORIES,
      { inputs: { clusters: [], projects: [] }, set: { ...contextOf().set, project: '{{path.basename}}' } },
      'waiting',
    ],
    'rules of the wrong shape are errors where they stand': [
      'git: { repoURL: R, revision: 1, directories: [x, { path: a, exclude: no-way }] }',
      {},
      expect.stringMatching(/^git.directories.0: [^\n]*\ngit.directories.1: [^\n]*\ngit.revision: /),
    ],
    'a malformed file pattern is an error where it stands': [
      'git: { repoURL: R, revision: main, files: [{ path: a }, { path: "../b" }] }',
      {},
      'git.files.1.path: error generating params from git: syntax error in pattern "../b"',
    ],
    'an answer to another question is an error': [
      FILES,
      { ask: () => directories() },
      expect.stringMatching(/the answer is git-directories/),
    ],
  }
  for (const [sentence, [yaml, parts, expected]] of Object.entries(table)) {
    test(sentence, () => expect(generate(yaml, contextOf(parts))).toEqual(expected))
  }
  test('values see the path', () => {
    const yaml = DIRECTORIES.replace('directories', 'values: { a: "{{path.basename}}-{{path[0]}}" }, directories')
    expect(generate(yaml, answering(directories('a/b')))).toEqual([expect.objectContaining({ 'values.a': 'b-a' })])
  })
})

describe('git under flotilla.dev', () => {
  const request = (repoURL: string, extra = {}) =>
    ({ kind: 'git-directories', repoURL, revision: 'main', rules: [{ path: '*', exclude: false }], ...extra }) as const
  const found = (...directories: string[]): InputAnswer => ({ kind: 'git-directories', commit: 'c0ffee', directories })
  const set = (facts = {}) => ({ ...ourContext().set, ...facts })
  const answering = (answers: { readonly [repoURL: string]: InputAnswer }, facts = {}, rest = {}) => {
    const asked: InputRequest[] = []
    const context = {
      ...ourContext(rest),
      set: set(facts),
      ask: (one: InputRequest) => {
        asked.push(one)
        return isGitRequest(one) ? answers[one.repoURL] : undefined
      },
    }
    return { context, asked }
  }
  const TWO = "git: { repositories: [{ repoURL: A, revision: main }, { repoURL: B }], directories: [{ path: '*' }] }"

  test('several repositories come one after the other, each with its URL and revision', () => {
    const { context, asked } = answering({ A: found('one'), B: found('one', 'two') })
    expect(generate(TWO, context)).toEqual(
      [
        ['A', 'main', 'one'],
        ['B', 'HEAD', 'one'],
        ['B', 'HEAD', 'two'],
      ].map(([repoURL, revision, path]) => expect.objectContaining({ repoURL, revision, path })),
    )
    expect(asked).toEqual([request('A'), request('B', { revision: 'HEAD' })])
  })
  test('all are asked before one is waited for', () => {
    const { context, asked } = answering({ A: found('one') })
    expect(generate(TWO, context)).toBe('waiting')
    expect(asked).toHaveLength(2)
  })
  test('one that is away fails the generator, at its place', () => {
    const away: InputAnswer = { kind: 'failed', code: 'REPOSITORY_UNREACHABLE', message: 'no route', retry: true }
    const { context } = answering({ A: found('one'), B: away })
    expect(generate(TWO, context)).toBe(
      'git.repositories.1: error generating params from git: error getting directories from repo: no route',
    )
  })
  test('one repository is written as before', () => {
    const { context } = answering({ A: found('one') })
    expect(generate("git: { repoURL: A, revision: main, directories: [{ path: '*' }] }", context)).toEqual([
      {
        ...{ path: 'one', 'path.basename': 'one', 'path.basenameNormalized': 'one', 'path[0]': 'one' },
        ...{ repoURL: 'A', revision: 'main' },
      },
    ])
  })
  test('the commit is there where a text of the set mentions it, and then part of the question', () => {
    const { context, asked } = answering({ A: found('one') }, { readsCommit: true })
    const yaml =
      "git: { repoURL: A, revision: main, directories: [{ path: '*' }], values: { at: '{{repoURL}}@{{commit}}' } }"
    expect(generate(yaml, context)).toMatchObject([{ commit: 'c0ffee', 'values.at': 'A@c0ffee' }])
    expect(asked).toEqual([request('A', { wantsCommit: true })])
  })
  test('pathParamPrefix stands before them as well', () => {
    const yaml = "git: { repoURL: A, revision: main, pathParamPrefix: src, directories: [{ path: '*' }] }"
    expect(generate(yaml, answering({ A: found('one') }).context)).toMatchObject([
      { 'src.path': 'one', 'src.repoURL': 'A', 'src.revision': 'main' },
    ])
    expect(generate(yaml, answering({ A: found('one') }, {}, { nested: true }).context)).toMatchObject([
      { src: { path: { path: 'one' }, repoURL: 'A', revision: 'main' } },
    ])
  })
  test('what a file says under those names counts, and its prefix keeps both', () => {
    const files: InputAnswer = {
      kind: 'git-files',
      commit: 'c',
      files: [{ path: 'a.json', text: '{"repoURL":"own"}' }],
    }
    const yaml = (prefix: string) => `git: { repoURL: A, revision: main, ${prefix} files: [{ path: '*.json' }] }`
    expect(generate(yaml(''), answering({ A: files }).context)).toMatchObject([{ repoURL: 'own', revision: 'main' }])
    expect(generate(yaml('pathParamPrefix: src,'), answering({ A: files }).context)).toMatchObject([
      { repoURL: 'own', 'src.repoURL': 'A', 'src.revision': 'main' },
    ])
  })
  test('repositories may come from another generator', () => {
    const yaml = `matrix: { generators: [
      { name: of, list: { elements: [{ url: A }, { url: B }] } },
      { git: { repositories: [{ repoURL: '{{of.url}}', revision: main }], directories: [{ path: '*' }] } } ] }`
    const { context } = answering({ A: found('one'), B: found('two') })
    expect(generate(yaml, context)).toMatchObject([
      { 'of.url': 'A', repoURL: 'A', path: 'one' },
      { 'of.url': 'B', repoURL: 'B', path: 'two' },
    ])
  })
  test('repositories beside repoURL are one too many', () => {
    const yaml = "git: { repoURL: A, repositories: [{ repoURL: 1 }], directories: [{ path: '*' }] }"
    expect(generate(yaml, answering({}).context)).toBe(
      'git.repoURL: error generating params from git: there are both repoURL and repositories\n' +
        'git.repositories.0: error generating params from git: repositories holds objects { repoURL: text, revision: text }',
    )
  })
  test('under argoproj.io none of this is there', () => {
    const context = { ...contextOf(), ask: () => found('one') }
    expect(generate("git: { repoURL: A, revision: main, directories: [{ path: '*' }] }", context)).toEqual([
      { path: 'one', 'path.basename': 'one', 'path.basenameNormalized': 'one', 'path[0]': 'one' },
    ])
    expect(generate(TWO, context)).toBe('git: there is no field "repositories"')
  })
})
