import { describe, expect, test } from 'vitest'
import { contextOf, generate } from '../../test/generator-context.ts'
import { engineEntryOf } from '../engines/registry.ts'
import type { HostedRepository, InputAnswer, InputRequest } from '../inputs.ts'
import type { GeneratorContext } from './generator.ts'

const SHA = '0bc57212c3cbbec69d20b34c507284bd300def5b'

function repository(name: string, more: Partial<HostedRepository> = {}): HostedRepository {
  const url = `git@github.com:acme/${name}.git`
  return {
    ...{ organization: 'acme', repository: name, url, branch: 'main', sha: '', labels: [], repositoryId: 7 },
    ...more,
  }
}

/** A host with these repositories; every branch has {@link SHA}; `paths` are there on every branch that `at` takes. */
function hostWith(
  repositories: readonly HostedRepository[],
  { branches = ['main'], paths = {} }: { branches?: readonly string[]; paths?: Record<string, readonly string[]> } = {},
) {
  const asked: InputRequest[] = []
  const answer = (request: InputRequest): InputAnswer => {
    asked.push(request)
    switch (request.kind) {
      case 'scm-repositories':
        return { kind: 'scm-repositories', repositories }
      case 'scm-branches':
        return {
          kind: 'scm-branches',
          repositories: branches.map(branch => ({ ...request.repository, branch, sha: SHA })),
        }
      case 'scm-path': {
        const { repository: name, branch } = request.repository
        return { kind: 'scm-path', exists: paths[`${name}/${branch}`]?.includes(request.path) ?? false }
      }
      default:
        throw new Error(request.kind)
    }
  }
  return { asked, context: (more: Partial<GeneratorContext> = {}) => contextOf({ ask: answer, ...more }) }
}

/** `repository@branch` of what the entry gives. */
function names(yaml: string, context: GeneratorContext): readonly string[] | string {
  const sets = generate(yaml, context)
  return typeof sets === 'string' ? sets : sets.map(set => `${set['repository']}@${set['branch']}`)
}

const ENTRY = 'scmProvider: { github: { organization: acme }'

describe('scmProvider', () => {
  test('gives a repository as parameters, its labels as one text, its commit whole and short (24)', () => {
    const host = hostWith([repository('web', { labels: ['team-a', 'prod'], branch: 'Feature/X' })], {
      branches: ['Feature/X'],
    })
    expect(generate(`${ENTRY}, values: { both: "{{organization}}-{{repository}}" } }`, host.context())).toEqual([
      {
        organization: 'acme',
        repository: 'web',
        repository_id: 7n,
        url: 'git@github.com:acme/web.git',
        branch: 'Feature/X',
        branchNormalized: 'feature-x',
        sha: SHA,
        short_sha: '0bc57212',
        short_sha_7: '0bc5721',
        labels: 'team-a,prod',
        'values.both': 'acme-web',
      },
    ])
  })

  test('the id of a repository prints as an integer, for values and selectors (25)', () => {
    const id = 12_345_678
    const engine = engineEntryOf({ goTemplate: true }).create([], undefined)
    const made = (selector: string) => {
      const host = hostWith([repository('web', { repositoryId: id })])
      const entry = `${ENTRY}, values: { id: "{{ .repository_id }}" } }\nselector: { matchLabels: { ${selector} } }`
      return generate(entry, host.context({ engine }))
    }
    expect(made('repository_id: "12345678"')).toMatchObject([{ values: { id: '12345678' } }])
    expect(made('values.id: "12345678"')).toHaveLength(1)
  })

  test('asks for repositories, then for the branches of those that are wanted, then for paths of those branches', () => {
    const host = hostWith([repository('web'), repository('docs')], { paths: { 'web/main': ['deploy'] } })
    const filters = 'filters: [{ repositoryMatch: ^web$ }, { pathsExist: [deploy//] }]'
    expect(names(`${ENTRY}, cloneProtocol: https, ${filters} }`, host.context())).toEqual(['web@main'])
    const facts = {
      ...{ provider: 'github', config: { organization: 'acme' } },
      ...{ project: 'default', trust: { kind: 'all' } },
    }
    expect(host.asked).toEqual([
      { kind: 'scm-repositories', ...facts, cloneProtocol: 'https' },
      { kind: 'scm-branches', ...facts, repository: repository('web') },
      { kind: 'scm-path', ...facts, repository: repository('web', { sha: SHA }), path: 'deploy' },
    ])
  })

  const three = [
    repository('one', { labels: ['prod-one', 'staging'] }),
    repository('two', { labels: ['prod-two'] }),
    repository('three'),
  ]
  const paths = { 'one/main': ['a', 'b'], 'two/main': ['a'], 'two/dev': ['c'] }

  test.each([
    ['no filter keeps all', '[]', ['one@main', 'one@dev', 'two@main', 'two@dev', 'three@main', 'three@dev']],
    [
      'a filter without conditions is ignored',
      '[{}]',
      ['one@main', 'one@dev', 'two@main', 'two@dev', 'three@main', 'three@dev'],
    ],
    ['a pattern is searched for anywhere', '[{ repositoryMatch: w }]', ['two@main', 'two@dev']],
    [
      'conditions of one filter must all hold',
      '[{ repositoryMatch: o, labelMatch: ^prod- , branchMatch: dev }]',
      ['one@dev', 'two@dev'],
    ],
    [
      'filters of one kind are alternatives',
      '[{ labelMatch: staging }, { repositoryMatch: ^three$ }]',
      ['one@main', 'one@dev', 'three@main', 'three@dev'],
    ],
    [
      'a filter of repositories and one of branches must both hold (24)',
      '[{ repositoryMatch: ^two$ }, { branchMatch: ^dev$ }]',
      ['two@dev'],
    ],
    [
      'filters of branches are alternatives, repository conditions included',
      '[{ repositoryMatch: ^one$, branchMatch: ^dev$ }, { pathsExist: [c] }]',
      ['one@dev', 'two@dev'],
    ],
    ['all paths must be there', '[{ pathsExist: [a, b/] }]', ['one@main']],
    ['none of the paths may be there', '[{ pathsDoNotExist: [a, c] }]', ['one@dev', 'three@main', 'three@dev']],
    ['the root is always there', '[{ branchMatch: main, pathsExist: [/] }]', ['one@main', 'two@main', 'three@main']],
    [
      'an empty list of paths makes a filter of branches that takes all',
      '[{ pathsExist: [] }, { branchMatch: nothing }]',
      ['one@main', 'one@dev', 'two@main', 'two@dev', 'three@main', 'three@dev'],
    ],
  ])('%s', (_, filters, expected) => {
    const host = hostWith(three, { branches: ['main', 'dev'], paths })
    expect(names(`${ENTRY}, filters: ${filters} }`, host.context())).toEqual(expected)
  })

  test('all that is needed next is asked in one round', () => {
    const asked: InputRequest[] = []
    const host = hostWith(three)
    const known = host.context()
    const waiting = contextOf({
      ask: request => {
        if (request.kind === 'scm-repositories' || request.kind === 'scm-branches') return known.ask(request)
        asked.push(request)
        return undefined
      },
    })
    expect(generate(`${ENTRY}, filters: [{ pathsExist: [a, b] }, { pathsDoNotExist: [c] }] }`, waiting)).toBe('waiting')
    expect(asked).toHaveLength(9)
  })

  test.each([
    ['none given', 'scmProvider: { filters: [] }', '', 'scmProvider: no SCM provider implementation configured'],
    [
      'a bad pattern',
      `${ENTRY}, filters: [{ labelMatch: "(" }] }`,
      '',
      'scmProvider.filters.0.labelMatch: error listing repos: error compiling LabelMatch regexp "(": error parsing regexp: missing closing ): `(`',
    ],
    [
      'look-around, which RE2 has not',
      `${ENTRY}, filters: [{ branchMatch: "(?=a)" }] }`,
      '',
      'scmProvider.filters.0.branchMatch: error listing repos: error compiling BranchMatch regexp "(?=a)": error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
    ],
    ['a failing host', `${ENTRY} }`, 'boom', 'scmProvider: error listing repos: boom'],
    [
      'paths that are no texts',
      `${ENTRY}, filters: [{ pathsExist: [1] }] }`,
      '',
      'scmProvider.filters.0.pathsExist: pathsExist is a list of texts',
    ],
    [
      'a value that refers to nothing but breaks',
      `${ENTRY}, values: { a: "{{x}} {{y" } }`,
      '',
      'scmProvider.values.a: failed to append templated values: failed to replace templated string',
    ],
  ])('says what is wrong: %s', (_, yaml, fails, message) => {
    const host = hostWith(three)
    const ask = (): InputAnswer => ({ kind: 'failed', code: 'HOST_FAILED', message: fails, retry: true })
    const said = generate(yaml, fails === '' ? host.context() : contextOf({ ask }))
    expect(String(said).slice(0, message.length)).toBe(message)
  })

  test('the same failure of many repositories is said once, and nothing is given', () => {
    const host = hostWith(three)
    const known = host.context()
    const context = contextOf({
      ask: request =>
        request.kind === 'scm-branches'
          ? { kind: 'failed', code: 'HOST_RATE_LIMITED', message: 'too many requests', retry: true }
          : known.ask(request),
    })
    expect(generate(`${ENTRY} }`, context)).toBe('scmProvider: error listing repos: too many requests')
  })

  test('of several providers the first of the order counts, however they are written', () => {
    const host = hostWith([repository('web')])
    generate('scmProvider: { awsCodeCommit: {}, bitbucket: { owner: x }, gitlab: { group: acme } }', host.context())
    expect(host.asked[0]).toMatchObject({ provider: 'gitlab', config: { group: 'acme' } })
  })
})

describe('which hosts may be asked', () => {
  const ask = hostWith([repository('web')]).context().ask
  const limited = { kind: 'projects', projects: ['default'] } as const
  const said = (yaml: string, hosts: GeneratorContext['inputs']['hosts'], trust: GeneratorContext['set']['trust']) => {
    const base = contextOf({ ask })
    const context = { ...base, set: { ...base.set, trust }, inputs: { ...base.inputs, hosts } }
    return names(yaml, context)
  }
  const OWN = 'scmProvider: { github: { organization: acme, api: https://ghe.example.com } }'
  const allowed = { enabled: true, allowedProviders: ['https://ghe.example.com', 'https://b.example.com'] }

  test.each([
    [
      'disabled comes first',
      'scmProvider: {}',
      { enabled: false, allowedProviders: [] },
      'all',
      'scmProvider: scm providers are disabled',
    ],
    ['an address on the list', OWN, allowed, 'projects', ['web@main']],
    [
      'an address that is almost on the list',
      OWN.replace('.com }', '.com/ }'),
      allowed,
      'all',
      'scmProvider.github.api: scm provider not allowed: scm provider "https://ghe.example.com/" not allowed, must use one of the following: https://ghe.example.com, https://b.example.com',
    ],
    ['the public address is always allowed', `${ENTRY} }`, allowed, 'projects', ['web@main']],
    ['without a list, a source that may declare everything', OWN, undefined, 'all', ['web@main']],
    [
      'without a list, a source of one project',
      OWN,
      undefined,
      'projects',
      'scmProvider.github.api: scm provider not allowed: scm provider "https://ghe.example.com" is not in scm.allowedProviders, and this config source is limited to projects',
    ],
  ] as const)('%s', (_, yaml, hosts, trust, expected) => {
    expect(said(yaml, hosts, trust === 'all' ? { kind: 'all' } : limited)).toEqual(expected)
  })
})
