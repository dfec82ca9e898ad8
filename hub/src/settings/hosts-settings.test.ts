import { describe, expect, it } from 'vitest'
import { compileHubOptions, type LooseSettings } from './compile-hub-options.ts'
import { gatherSettings } from './gather-settings.ts'
import { shownOptions } from './print-options.ts'

function compiled(loose: LooseSettings) {
  const result = compileHubOptions(loose)
  return result.kind === 'options' ? result.options : result.problems.map(({ field }) => field)
}

describe('Git hosts', () => {
  it('may be asked, none by an address of its own list, with nobody’s secrets', () => {
    expect(compiled({})).toMatchObject({ hosts: { enabled: true, allowedProviders: [], secrets: [] } })
  })

  it('are what the file, a variable or a flag says', () => {
    const variables = {
      FLOTILLA_SCM_ENABLED: 'false',
      FLOTILLA_SCM_ALLOWED_PROVIDERS: 'https://git.example.com/api/v4, https://ghe.example.com',
      FLOTILLA_SECRETS: '[{"name": "github", "projects": ["shop-*"], "hosts": ["https://ghe.example.com"]}]',
    }
    const gathered = gatherSettings({ environment: variables, flags: { secretsFolder: '/secrets' } })
    expect(gathered.kind === 'options' ? gathered.options.hosts : gathered).toEqual({
      enabled: false,
      allowedProviders: ['https://git.example.com/api/v4', 'https://ghe.example.com'],
      secretsFolder: '/secrets',
      secrets: [{ name: 'github', projects: ['shop-*'], hosts: ['https://ghe.example.com'] }],
    })
  })

  const BAD: { readonly [sentence: string]: readonly [LooseSettings, ...fields: string[]] } = {
    perhaps: [{ 'scm.enabled': 'perhaps' }, 'scm.enabled'],
    'a host without a scheme': [{ 'scm.allowedProviders': ['git.example.com'] }, 'scm.allowedProviders[0]'],
    'a password in an address': [
      { 'scm.allowedProviders': ['https://u:p@git.example.com'] },
      'scm.allowedProviders[0]',
    ],
    'a proxy of another kind': [{ 'scm.proxy': 'socks5://proxy' }, 'scm.proxy'],
    'exceptions from no proxy': [{ 'scm.noProxy': ['a'] }, 'scm.noProxy'],
    'secrets that are no list': [{ secrets: { github: {} } }, 'secrets'],
    'a secret that leads elsewhere': [{ secrets: [{ name: '../x' }] }, 'secrets[0].name'],
    'one secret twice': [{ secrets: [{ name: 'a' }, { name: 'a' }] }, 'secrets[1].name'],
    'a field too many': [{ secrets: [{ name: 'a', project: 'x' }] }, 'secrets[0].project'],
    'projects that are no list': [{ secrets: [{ name: 'a', projects: 'x' }] }, 'secrets[0].projects'],
    'a host that is none': [{ secrets: [{ name: 'a', hosts: ['x'] }] }, 'secrets[0].hosts[0]'],
  }
  for (const [sentence, [loose, ...fields]] of Object.entries(BAD)) {
    it(`are refused: ${sentence}`, () => expect(compiled(loose)).toEqual(fields))
  }

  it('are printed without the password of their proxy, and read again give the same', () => {
    const loose = {
      'scm.enabled': false,
      'scm.allowedProviders': ['https://git.example.com'],
      'scm.proxy': 'http://proxy.example.com:3128',
      'scm.noProxy': ['localhost'],
      'scm.rootCAFile': '/ca.pem',
      secretsFolder: '/secrets',
      configMapsFolder: '/configmaps',
      secrets: [{ name: 'github', projects: ['*'] }],
    }
    const result = compileHubOptions(loose)
    if (result.kind === 'refused') throw new Error(JSON.stringify(result.problems))
    const shown = JSON.stringify(shownOptions(result.options))
    const again = gatherSettings({ file: { path: 'printed', text: shown }, environment: {}, flags: {} })
    expect(again.kind === 'options' ? again.options.hosts : again).toEqual(result.options.hosts)
    const secret = compileHubOptions({ 'scm.proxy': 'http://user:swordfish@proxy:3128' })
    expect(JSON.stringify(secret.kind === 'options' && shownOptions(secret.options))).not.toContain('swordfish')
  })
})
