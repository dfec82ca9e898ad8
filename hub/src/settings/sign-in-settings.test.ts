import type { Json } from '@flotilla/core/json/json'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import { describe, expect, it } from 'vitest'
import { compileHubOptions, type HubOptions, type LooseSettings } from './compile-hub-options.ts'
import { gatherSettings } from './gather-settings.ts'
import { shownOptions } from './print-options.ts'
import { withOrigins } from './setting-origins.ts'

const HASH = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
const ISSUER = { 'oidc.issuer': 'https://id.example.com/realms/x', 'oidc.clientId': 'flotilla' }

function signIn(loose: LooseSettings): HubOptions['signIn'] {
  const compiled = compileHubOptions(loose)
  if (compiled.kind === 'refused') throw new Error(JSON.stringify(compiled.problems))
  return compiled.options.signIn
}

describe('how people sign in', () => {
  const GOOD: { readonly [sentence: string]: readonly [LooseSettings, object] } = {
    'nobody, without a word': [
      {},
      {
        accounts: { enabled: true, accounts: [], failures: 5, failureWindowMs: 300_000 },
        sessions: { idleMs: 28_800_000, lifeMs: 86_400_000 },
        anonymous: false,
      },
    ],
    'tokens of the hub’s client and of the command’s are taken': [
      { ...ISSUER, 'oidc.cliClientId': 'flotilla-cli' },
      { provider: { audiences: ['flotilla', 'flotilla-cli'], userInfo: false, clockSkewMs: 30_000 } },
    ],
    'other audiences, where they are named': [
      { ...ISSUER, 'oidc.audiences': 'a, b' },
      { provider: { audiences: ['a', 'b'] } },
    ],
    'a provider on this machine without TLS': [
      { ...ISSUER, 'oidc.issuer': 'http://[::1]:9000' },
      { provider: { issuer: 'http://[::1]:9000' } },
    ],
    'accounts, as a list or as JSON text': [
      {
        accounts: JSON.stringify([
          { name: 'ana', passwordHash: HASH },
          { name: 'ci', capabilities: ['apiKey'] },
        ]),
      },
      {
        accounts: {
          accounts: [
            { name: 'ana', enabled: true, capabilities: ['login'], passwordHash: HASH },
            { name: 'ci', enabled: true, capabilities: ['apiKey'] },
          ],
        },
      },
    ],
  }
  for (const [sentence, [loose, expected]] of Object.entries(GOOD)) {
    it(sentence, () => expect(signIn(loose)).toMatchObject(expected))
  }

  const BAD: { readonly [sentence: string]: readonly [LooseSettings, ...fields: string[]] } = {
    'a client without a provider': [{ 'oidc.clientId': 'x' }, 'oidc.clientId'],
    'a provider without a client': [{ 'oidc.issuer': ISSUER['oidc.issuer'] }, 'oidc.clientId'],
    'a provider without TLS': [{ ...ISSUER, 'oidc.issuer': 'http://id.example.com' }, 'oidc.issuer'],
    'a provider with a password in its URL': [{ ...ISSUER, 'oidc.issuer': 'https://u:p@id' }, 'oidc.issuer'],
    'two secrets': [{ ...ISSUER, 'oidc.clientSecret': 'a', 'oidc.clientSecretFile': 'b' }, 'oidc.clientSecret'],
    'no openid among the scopes': [{ ...ISSUER, 'oidc.scopes': ['email'] }, 'oidc.scopes'],
    'signatures that are none': [{ ...ISSUER, 'oidc.algorithms': ['RS256', 'none'] }, 'oidc.algorithms'],
    'signatures that whoever has the secret could make': [{ ...ISSUER, 'oidc.algorithms': 'HS256' }, 'oidc.algorithms'],
    'a clock that is off by an hour': [{ ...ISSUER, 'oidc.clockSkew': '1h' }, 'oidc.clockSkew'],
    'a session that is idle for longer than it lives': [{ 'sessions.idle': '2d' }, 'sessions.idle'],
    'an account without a name': [{ accounts: [{}] }, 'accounts[0].name'],
    'two accounts of one name': [{ accounts: [{ name: 'a' }, { name: 'a' }] }, 'accounts[1].name'],
    'a password instead of its hash': [
      { accounts: [{ name: 'a', passwordHash: 'hunter2' }] },
      'accounts[0].passwordHash',
    ],
    'a hash that costs next to nothing': [
      { accounts: [{ name: 'a', passwordHash: HASH.replace('ln=15', 'ln=10') }] },
      'accounts[0].passwordHash',
    ],
    'a capability that there is not': [
      { accounts: [{ name: 'a', capabilities: ['admin'] }] },
      'accounts[0].capabilities',
    ],
    'a field with a slip of the pen': [{ accounts: [{ name: 'a', pasword: 'x' }] }, 'accounts[0].pasword'],
  }
  for (const [sentence, [loose, ...fields]] of Object.entries(BAD)) {
    it(`${sentence} is refused`, () => {
      const compiled = compileHubOptions(loose)
      expect(compiled.kind === 'refused' ? compiled.problems.map(({ field }) => field) : []).toEqual(fields)
      expect(JSON.stringify(compiled)).not.toContain('hunter2')
    })
  }

  it('a mistake in the file has its place, and the nearest name', () => {
    const text = 'oidc:\n  issuer: https://id.example.com\n  clientID: flotilla\n'
    const gathered = gatherSettings({ file: { path: 'hub.yaml', text }, environment: {}, flags: {} })
    expect(gathered.kind === 'refused' ? gathered.problems : []).toEqual([
      {
        at: 'hub.yaml:3:13',
        field: 'oidc.clientID',
        message: 'is not a setting of the hub',
        hint: 'did you mean "oidc.clientId"?',
      },
      { at: 'hub.yaml:2:3', field: 'oidc.clientId', message: 'is needed with oidc.issuer' },
    ])
  })

  it('what is printed holds no secret', () => {
    const compiled = compileHubOptions({
      ...ISSUER,
      'oidc.clientSecret': 'swordfish',
      accounts: [{ name: 'ana', passwordHash: HASH }],
    })
    const shown = JSON.stringify(shownOptions((compiled as { options: HubOptions }).options))
    expect(shown).not.toMatch(/swordfish|\$scrypt/)
    expect(shown).toContain('"issuer":"https://id.example.com/realms/x"')
  })
})

it('each setting that is printed says where it comes from, and the rest reads as before', () => {
  const text =
    'log: { level: warn }\noidc:\n  issuer: https://id.example.com\n  clientId: flotilla\naccounts:\n- name: ana\n'
  const gathered = gatherSettings({
    file: { path: 'hub.yaml', text },
    environment: { FLOTILLA_SESSIONS_IDLE: '1h' },
    flags: { listen: '127.0.0.1:1', 'log.level': 'error' },
  })
  if (gathered.kind === 'refused') throw new Error(JSON.stringify(gathered.problems))
  const printed = prettyYaml(shownOptions(gathered.options) as Json)
  const shown = withOrigins(printed, gathered.originOf)
  for (const line of [
    'listen: 127.0.0.1:1  # --listen',
    '  level: error  # --log-level',
    '  issuer: https://id.example.com  # hub.yaml:3:11',
    '  idle: 1h  # FLOTILLA_SESSIONS_IDLE',
    '  life: 1d  # default',
    'accounts:  # hub.yaml:6:1',
  ]) {
    expect(shown.split('\n')).toContain(line)
  }
  const again = gatherSettings({ file: { path: 'printed', text: shown }, environment: {}, flags: {} })
  expect(again.kind === 'options' && shownOptions(again.options)).toEqual(shownOptions(gathered.options))
})
