import { describe, expect, it } from 'vitest'
import { compileHubOptions, type LooseSettings } from './compile-hub-options.ts'
import { gatherSettings } from './gather-settings.ts'
import { shownOptions } from './print-options.ts'

function compiled(loose: LooseSettings) {
  const result = compileHubOptions(loose)
  return result.kind === 'options' ? result.options : result.problems.map(({ field }) => field)
}

const plugin = { name: 'teams', baseUrl: 'https://teams.example.com/api', tokenFile: '/etc/flotilla/teams' }

describe('plugins', () => {
  it('have a time limit of half a minute, and nobody’s projects', () => {
    expect(compiled({ plugins: [plugin] })).toMatchObject({ plugins: [{ ...plugin, requestTimeoutMs: 30_000 }] })
  })

  it('may be for some projects, with a time limit and an authority of their own', () => {
    const more = { requestTimeout: '2m', projects: ['shop'], certificateAuthorityFile: '/ca.pem' }
    const { requestTimeout: _, ...rest } = more
    expect(compiled({ plugins: [{ ...plugin, ...more }] })).toMatchObject({
      plugins: [{ ...plugin, ...rest, requestTimeoutMs: 120_000 }],
    })
  })

  it('given as a flag or a variable are JSON', () => {
    expect(compiled({ plugins: JSON.stringify([plugin]) })).toMatchObject({ plugins: [plugin] })
    expect(compiled({ plugins: '[' })).toEqual(['plugins'])
  })

  const BAD: { readonly [sentence: string]: readonly [unknown, ...fields: string[]] } = {
    'no list': [{ teams: plugin }, 'plugins'],
    'no map': [['teams'], 'plugins[0].tokenFile', 'plugins[0].name', 'plugins[0].baseUrl'],
    'no token': [[{ ...plugin, tokenFile: undefined }], 'plugins[0].tokenFile'],
    'two tokens': [[{ ...plugin, token: 'x' }], 'plugins[0].token'],
    'a URL with a user': [[{ ...plugin, baseUrl: 'https://u:p@teams' }], 'plugins[0].baseUrl'],
    'a URL of a file': [[{ ...plugin, baseUrl: 'file:///etc/passwd' }], 'plugins[0].baseUrl'],
    'seconds without a unit': [[{ ...plugin, requestTimeout: 30 }], 'plugins[0].requestTimeout'],
    'no project at all': [[{ ...plugin, projects: [] }], 'plugins[0].projects'],
    'a field too many': [[{ ...plugin, tokenfile: 'x' }], 'plugins[0].tokenfile'],
    'one name twice': [[plugin, plugin], 'plugins[1].name'],
  }
  for (const [sentence, [plugins, ...fields]] of Object.entries(BAD)) {
    it(`are refused: ${sentence}`, () => expect(compiled({ plugins })).toEqual(fields))
  }
})

describe('the management cluster', () => {
  it('is none unless it is given, whatever its namespace', () => {
    expect(compiled({ 'managementCluster.namespace': 'x' })).not.toHaveProperty('managementCluster')
  })

  it('is known by a kubeconfig, or is the hub’s own', () => {
    expect(compiled({ 'managementCluster.kubeconfig': '/k', 'managementCluster.context': 'c' })).toMatchObject({
      managementCluster: { kubeconfig: '/k', context: 'c', namespace: 'argocd' },
    })
    const own = compiled({ 'managementCluster.inCluster': true, 'managementCluster.projects': 'a, b' })
    expect(own).toMatchObject({ managementCluster: { namespace: 'argocd', projects: ['a', 'b'] } })
  })

  const BAD: { readonly [sentence: string]: readonly [LooseSettings, ...fields: string[]] } = {
    'both at once': [
      { 'managementCluster.kubeconfig': '/k', 'managementCluster.inCluster': 'true' },
      'managementCluster.kubeconfig',
    ],
    'a context of no kubeconfig': [{ 'managementCluster.context': 'c' }, 'managementCluster.context'],
    'a namespace that is a path': [{ 'managementCluster.namespace': '../x' }, 'managementCluster.namespace'],
    'neither yes nor no': [{ 'managementCluster.inCluster': 'perhaps' }, 'managementCluster.inCluster'],
  }
  for (const [sentence, [loose, ...fields]] of Object.entries(BAD)) {
    it(`is refused: ${sentence}`, () => expect(compiled(loose)).toEqual(fields))
  }
})

it('what is printed of them holds no token, and read again gives the same hub', () => {
  const loose = {
    plugins: [plugin, { name: 'b', baseUrl: 'http://b', token: 'swordfish', requestTimeout: '90s', projects: ['*'] }],
    'managementCluster.kubeconfig': '/k',
    'managementCluster.projects': ['shop'],
  }
  const result = compileHubOptions(loose)
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.problems))
  const shown = JSON.stringify(shownOptions(result.options))
  expect(shown).not.toContain('swordfish')
  const again = gatherSettings({ file: { path: 'printed', text: shown }, environment: {}, flags: {} })
  expect(again.kind === 'options' ? shownOptions(again.options) : again).toEqual(JSON.parse(shown))
})

describe('what sets may do', () => {
  it('each says itself, and a removal waits ten minutes', () => {
    expect(compiled({})).toMatchObject({ setPolicy: { allowOverride: false }, removalGraceMs: 600_000 })
  })

  it('the hub may say for all of them', () => {
    const loose = {
      'applicationSets.policy': 'create-update',
      'applicationSets.allowPolicyOverride': true,
      'applicationSets.removalGrace': '0s',
    }
    expect(compiled(loose)).toMatchObject({
      setPolicy: { policy: 'create-update', allowOverride: true },
      removalGraceMs: 0,
    })
  })

  it('in words that it knows', () => {
    expect(compiled({ 'applicationSets.policy': 'never', 'applicationSets.removalGrace': '31d' })).toEqual([
      'applicationSets.policy',
      'applicationSets.removalGrace',
    ])
  })
})

describe('settings of gates', () => {
  it('are the time zone of the organisation and Projects whose windows concern others', () => {
    const globalProjects = [{ projectName: 'platform', labelSelector: 'tier in (gold)' }]
    expect(compiled({ 'gates.timeZone': 'Europe/Berlin', globalProjects })).toMatchObject({
      gates: { defaultTimeZone: 'Europe/Berlin', globalProjects },
    })
  })

  it('are refused with all that is wrong', () => {
    const globalProjects = [{ projectName: '', labelSelector: 'tier in' }, { name: 'x' }, 'y']
    expect(compiled({ 'gates.timeZone': 'Mars/Olympus', globalProjects })).toEqual([
      'globalProjects[0].projectName',
      'globalProjects[0].labelSelector',
      'globalProjects[1].name',
      'globalProjects[1].projectName',
      'globalProjects[1].labelSelector',
      'globalProjects[2]',
      'gates.timeZone',
    ])
  })
})
