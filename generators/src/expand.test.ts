import { describe, expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { fasttemplate } from './engines/fasttemplate.ts'
import { expand, expandWith } from './expand.ts'
import { GENERATORS } from './generators/registry.ts'
import type { InputAnswer, InputRequest } from './inputs.ts'

const LIST = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: web, namespace: argocd }
spec:
  generators:
  - list:
      elements:
      - { cluster: eu-1, env: prod }
      - { cluster: us-1, env: dev }
  template:
    metadata: { name: 'web-{{cluster}}', labels: { '{{env}}': 'yes' } }
    spec:
      project: default
      source: { repoURL: https://git.example.com/web.git, path: 'envs/{{ env }}', targetRevision: main }
      destination: { name: '{{cluster}}', namespace: web }
      syncPolicy: { automated: { prune: true } }
`

describe('expand', () => {
  test('each element becomes an Application that knows where it comes from', () => {
    const { applications, errors, needs, generators } = expand(declaredSet(LIST), inputsOf())
    expect({ errors, needs }).toEqual({ errors: [], needs: [] })
    expect(generators.map(({ generator, status }) => [generator, status])).toEqual([['0', 'ok']])
    expect(applications).toEqual([
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: {
          name: 'web-eu-1',
          namespace: 'argocd',
          labels: { prod: 'yes' },
          finalizers: ['resources-finalizer.argocd.argoproj.io'],
        },
        spec: {
          project: 'default',
          source: { repoURL: 'https://git.example.com/web.git', path: 'envs/prod', targetRevision: 'main' },
          destination: { name: 'eu-1', namespace: 'web' },
          syncPolicy: { automated: { prune: true } },
        },
        provenance: {
          source: 'platform',
          file: 'set.yaml',
          line: 6,
          column: 5,
          set: 'web',
          generator: '0',
          element: 0,
          params: { cluster: 'eu-1', env: 'prod' },
        },
      },
      expect.objectContaining({ metadata: expect.objectContaining({ name: 'web-us-1', labels: { dev: 'yes' } }) }),
    ])
  })

  const set = (spec: string): string =>
    `apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: { name: web }\nspec:\n${spec}`
  const template = (name: string): string =>
    `  template:\n    metadata: { name: '${name}' }\n    spec: { project: default, destination: { name: x } }\n`
  const names = (spec: string, inputs = inputsOf()): string[] =>
    expand(declaredSet(set(spec)), inputs).applications.map(({ metadata }) => metadata.name)
  const problems = (spec: string, inputs = inputsOf()) =>
    expand(declaredSet(set(spec)), inputs).errors.map(
      ({ code, stage, generator, element, message, position, stale }) =>
        `${position.line}:${position.column} ${code} ${stage} ${generator}${element === undefined ? '' : `/${element}`} ${
          stale ? 'stale' : 'fresh'
        } ${message}`,
    )

  describe('what goes wrong stays where it is', () => {
    test('a generator that fails does not stop the next one', () => {
      const spec = `  generators:\n  - list: { elements: [{ a: 1 }] }\n  - list: { elements: [{ a: b }] }\n${template('{{a}}')}`
      expect(names(spec)).toEqual(['b'])
      expect(problems(spec)).toEqual([
        '6:29 GENERATOR_INVALID generate 0 stale error parsing value as string: "a" is not a text',
      ])
    })
    test('a parameter set that yields no valid name does not stop the next one', () => {
      const spec = `  generators:\n  - list: { elements: [{ a: B }, { a: '' }, { a: c }] }\n${template('{{a}}')}`
      expect(names(spec)).toEqual(['c'])
      expect(problems(spec)).toEqual([
        expect.stringMatching(/^8:23 APPLICATION_NAME_INVALID validate 0\/0 stale Application name "B" is invalid/),
        "8:23 APPLICATION_NAME_MISSING validate 0/1 stale ApplicationSet web contains an application with no name; a name must be set in the template's metadata.name or via a templatePatch (generateName is not supported)",
      ])
    })
    test('a name that became empty is told with the parameters and their values', () => {
      const spec = `  generators:\n  - list: { elements: [{ a: '', b: c }] }\n${template('{{a}}')}`
      const [error] = expand(declaredSet(set(spec)), inputsOf()).errors
      expect(error).toMatchObject({
        code: 'APPLICATION_NAME_MISSING',
        hint: 'metadata.name became empty text; the parameters here are a="", b="c"',
      })
    })
    test('a tag without a parameter is named together with the parameters that there are', () => {
      const spec = `  generators:\n  - list: { elements: [{ name: b }] }\n${template('{{nme}}')}`
      const [error] = expand(declaredSet(set(spec)), inputsOf()).errors
      expect(error?.hint).toBe('a tag was not replaced; the parameters here are name')
    })
    test('the same mistake of many parameter sets is said once, with their number', () => {
      const spec = `  generators:\n  - list: { elements: [{ a: b }, { a: c }, { a: d }] }\n${template('X')}`
      const { errors } = expand(declaredSet(set(spec)), inputsOf())
      expect(errors.map(({ element, hint }) => [element, hint])).toEqual([
        [0, expect.stringContaining('2 more parameter sets fail in the same way')],
      ])
    })
    test('the first Application of a name keeps it, the error names both', () => {
      const spec = `  generators:\n  - list: { elements: [{ a: x }] }\n  - list: { elements: [{ a: w }, { a: x }] }\n${template('{{a}}')}`
      expect(names(spec)).toEqual(['x', 'w'])
      expect(problems(spec)).toEqual([
        '7:5 APPLICATION_NAME_DUPLICATE validate 1/1 fresh ApplicationSet web contains applications with duplicate name: x',
      ])
      expect(expand(declaredSet(set(spec)), inputsOf()).errors[0]?.hint).toBe(
        'set "web" generator 0 element 0 (set.yaml:6:5) keeps the name, set "web" generator 1 element 1 (set.yaml:7:5) is left out',
      )
    })
    test('a generator that is not built yet is an error and the others go on', () => {
      const spec = `  generators:\n  - plugin: {}\n  - list: { elements: [{ a: b }] }\n${template('{{a}}')}`
      const registry = new Map([...GENERATORS, ['plugin', { key: 'plugin', fields: [] }]])
      const { applications, errors } = expandWith(declaredSet(set(spec)), inputsOf(), {
        engine: fasttemplate,
        registry,
      })
      expect(applications.map(({ metadata }) => metadata.name)).toEqual(['b'])
      expect(errors).toMatchObject([
        { code: 'UNSUPPORTED_GENERATOR', generator: '0', stale: true, position: { line: 6, column: 13 } },
      ])
    })
    test('a generator that nobody knows is an error, not an empty list', () => {
      expect(problems(`  generators:\n  - lists: {}\n${template('x')}`)).toEqual([
        '6:12 GENERATOR_UNKNOWN generate 0 stale ApplicationSet web contains unrecognized generators: lists',
      ])
    })
    test('an engine option that nobody knows fails the whole set and nothing else', () => {
      const options = '  goTemplate: true\n  goTemplateOptions: [missingkey=eror]\n'
      const spec = `${options}  generators:\n  - list: { elements: [{ a: b }] }\n${template('{{.a}}')}`
      expect(problems(spec)).toEqual([
        '6:23 TEMPLATE_OPTION_UNKNOWN render 0 stale unrecognized option: missingkey=eror',
      ])
      expect(expand(declaredSet(set(spec)), inputsOf()).generators).toEqual([
        { generator: '0', status: 'failed', applications: [] },
      ])
    })
  })

  describe('inputs', () => {
    const spec = `  generators:
  - git: { repoURL: https://git.example.com/apps.git, revision: main, directories: [{ path: 'apps/*' }] }
  - clusters:
      selector: { matchLabels: { env: prod } }
      template: { metadata: { name: 'on-{{name}}' }, spec: { project: '', destination: {} } }
${template('app-{{path.basename}}')}`
    const request: InputRequest = {
      kind: 'git-directories',
      repoURL: 'https://git.example.com/apps.git',
      revision: 'main',
      rules: [{ path: 'apps/*', exclude: false }],
    }
    const clusters = [cluster('z', { env: 'prod' }), cluster('a', { env: 'prod' }), cluster('m', { env: 'dev' })]
    const withAnswer = (answer: InputAnswer) => inputsOf({ clusters, answers: [[request, answer]] })

    test('what has no answer yet is asked for, and the other generators go on', () => {
      const expansion = expand(declaredSet(set(spec)), inputsOf({ clusters }))
      expect(expansion.needs).toEqual([request])
      expect(expansion.generators.map(({ status }) => status)).toEqual(['waiting', 'ok'])
      expect(expansion.errors).toEqual([])
    })
    test('with the answer the set is whole, in the order of the document', () => {
      const directories = ['apps/two', 'apps/one', 'lib/x', 'apps/.hidden', 'apps/one/deep']
      const inputs = withAnswer({ kind: 'git-directories', commit: 'c', directories })
      expect(names(spec, inputs)).toEqual(['app-one', 'app-two', 'on-a', 'on-z'])
      expect(problems(spec, inputs)).toEqual([])
    })
    test('an input that is away fails its generator alone, with the code of the reason', () => {
      const away: InputAnswer = { kind: 'failed', code: 'REPOSITORY_UNREACHABLE', message: 'no route', retry: true }
      expect(problems(spec, withAnswer(away))[0]).toBe(
        '6:10 REPOSITORY_UNREACHABLE generate 0 stale error generating params from git: error getting directories from repo: no route',
      )
    })
    test('Clusters come by name', () => {
      const only = `  generators:\n  - clusters: {}\n${template('{{nameNormalized}}')}`
      expect(names(only, inputsOf({ clusters }))).toEqual(['a', 'm', 'z'])
    })
  })
})
