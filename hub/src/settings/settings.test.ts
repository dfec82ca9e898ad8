import { describe, expect, it } from 'vitest'
import { compileHubOptions, type HubOptions, type LooseSettings } from './compile-hub-options.ts'
import { gatherSettings, type SettingSources, settingProblemText } from './gather-settings.ts'
import { ALL_FIELDS, flagOf, variableOf } from './hub-settings.ts'
import { shownOptions } from './print-options.ts'

function options(loose: LooseSettings): HubOptions {
  const compiled = compileHubOptions(loose)
  if (compiled.kind === 'refused') throw new Error(JSON.stringify(compiled.problems))
  return compiled.options
}

const source = { name: 'platform', repository: 'https://git/fleet', trust: 'all' }

describe('settings that are good', () => {
  it('none at all give a hub with its own certificate', () => {
    expect(options({})).toEqual({
      dataDirectory: './flotilla-data',
      keyFile: 'flotilla-data/hub.key',
      listen: { host: '0.0.0.0', port: 8443 },
      tls: { kind: 'own', names: ['localhost', '127.0.0.1', '::1'] },
      configSources: [],
      credentials: [],
      hosts: { enabled: true, allowedProviders: [], secrets: [] },
      plugins: [],
      calendars: [],
      gates: { globalProjects: [] },
      signIn: {
        accounts: { enabled: true, accounts: [], failures: 5, failureWindowMs: 300_000 },
        sessions: { idleMs: 28_800_000, lifeMs: 86_400_000 },
        anonymous: false,
      },
      setPolicy: { allowOverride: false },
      removalGraceMs: 600_000,
      pollIntervalMs: 180_000,
      webhooksPerMinute: 60,
      api: {
        requestLimits: { perPrincipal: 6_000, perAddress: 24_000, deniedPerAddress: 600 },
        allowedOrigins: [],
        maxWatchers: 2_000,
        auditedReads: { oneIn: 1_000, byRoute: new Map() },
        denialsPerMinute: 300,
      },
      joinTokenLifeMs: 86_400_000,
      logLevel: 'info',
      gitBinary: 'git',
      localRepositories: 'configured',
      notificationNetworks: [],
    })
  })

  const GOOD: { readonly [sentence: string]: readonly [LooseSettings, Partial<HubOptions>] } = {
    'a duration of several units': [{ 'polling.interval': '1h30m' }, { pollIntervalMs: 5_400_000 }],
    'how many reads the audit log has of an operation': [
      { 'audit.readsOneInOf': 'listApplications=100,getApplicationTree=1' },
      {
        api: expect.objectContaining({
          auditedReads: {
            oneIn: 1_000,
            byRoute: new Map([
              ['listApplications', 100],
              ['getApplicationTree', 1],
            ]),
          },
        }),
      },
    ],
    'an IPv6 address': [{ listen: '[::1]:0' }, { listen: { host: '::1', port: 0 } }],
    'rows of a policy': [
      { 'access.policy': '# people\ng, sso:platform, role:admin\n', 'access.defaultRole': 'role:readonly' },
      {
        access: {
          rows: [expect.objectContaining({ member: 'sso:platform', role: 'role:admin' })],
          defaultRole: 'role:readonly',
        },
      },
    ],
    'whom documents may make administrators': [
      { 'access.admins': ['sso:platform'] },
      { access: { rows: [], admins: ['sso:platform'] } },
    ],
    'every address': [{ listen: ':8443' }, { listen: { host: '::', port: 8443 } }],
    'plain HTTP on loopback': [
      { 'tls.mode': 'off', listen: '127.0.0.1:8080', publicUrl: 'http://localhost:8080/' },
      { tls: { kind: 'off' }, publicUrl: 'http://localhost:8080' },
    ],
    'names of the own certificate: told, heard and given': [
      { publicUrl: 'https://hub.example.com', listen: '10.0.0.7:8443', 'tls.names': 'a.example.com, *.b.example.com' },
      {
        tls: {
          kind: 'own',
          names: ['localhost', '127.0.0.1', '::1', 'hub.example.com', '10.0.0.7', 'a.example.com', '*.b.example.com'],
        },
      },
    ],
    'a given certificate': [
      { 'tls.mode': 'given', 'tls.certificateFile': 'a.crt', 'tls.privateKeyFile': 'a.key' },
      { tls: { kind: 'given', certificateFile: 'a.crt', privateKeyFile: 'a.key' } },
    ],
    'proxies that are believed': [
      { trustProxy: 'loopback,10.0.0.0/8, ::1' },
      { trustProxy: 'loopback, 10.0.0.0/8, ::1' },
    ],
    'no git program': [{ 'git.binary': 'none' }, { gitBinary: false }],
    'config sources as JSON text': [
      { configSources: JSON.stringify([source]) },
      { configSources: [{ ...source, revision: 'HEAD', path: '', trust: { kind: 'all' } }] },
    ],
    'calendars, by URL and in a config source': [
      {
        configSources: [source],
        calendars: [
          { name: 'de', url: 'https://example.com/de.ics?key=x' },
          { name: 'own', source: source.name, file: 'calendars/own.ics', refresh: '1h' },
        ],
      },
      {
        calendars: [
          { name: 'de', from: { kind: 'url', url: 'https://example.com/de.ics?key=x' }, refreshMs: 21_600_000 },
          { name: 'own', from: { kind: 'file', source: source.name, path: 'calendars/own.ics' }, refreshMs: 3_600_000 },
        ],
      },
    ],
    'a team’s config source': [
      {
        configSources: [
          { ...source, path: './flotilla/', trust: { projects: ['shop', 'shop-*'] }, namePrefix: 'shop-' },
        ],
      },
      {
        configSources: [
          {
            ...source,
            revision: 'HEAD',
            path: 'flotilla',
            trust: { kind: 'projects', projects: ['shop', 'shop-*'] },
            namePrefix: 'shop-',
          },
        ],
      },
    ],
  }
  for (const [sentence, [loose, expected]] of Object.entries(GOOD)) {
    it(sentence, () => expect(options(loose)).toMatchObject(expected))
  }
})

describe('settings that are refused', () => {
  const BAD: { readonly [sentence: string]: readonly [LooseSettings, ...fields: string[]] } = {
    'a duration without a unit': [{ 'polling.interval': 180 }, 'polling.interval'],
    'a duration that is too short': [{ 'polling.interval': '1s' }, 'polling.interval'],
    'a port beyond the last': [{ listen: '0.0.0.0:65536' }, 'listen'],
    'an address that is none': [{ listen: 'here' }, 'listen'],
    'plain HTTP for everyone': [{ 'tls.mode': 'off' }, 'listen'],
    'http beside TLS': [{ publicUrl: 'http://hub' }, 'publicUrl'],
    'a URL with a password': [{ publicUrl: 'https://u:p@hub' }, 'publicUrl'],
    'a given certificate without files': [{ 'tls.mode': 'given' }, 'tls.certificateFile', 'tls.privateKeyFile'],
    'files without the mode': [{ 'tls.certificateFile': 'x' }, 'tls.certificateFile'],
    'a name that is none': [{ 'tls.names': ['a b'] }, 'tls.names[0]'],
    'a proxy that is none': [{ trustProxy: 'everyone' }, 'trustProxy'],
    'a network that is none': [{ trustProxy: '10.0.0.0/33' }, 'trustProxy'],
    'a level that is none': [{ 'log.level': 'loud' }, 'log.level'],
    'an unknown setting': [{ 'polling.intervall': '3m' }, 'polling.intervall'],
    'a group that is no map': [{ tls: 'off' }, 'tls'],
    'two secrets': [{ 'webhooks.secret': 'a', 'webhooks.secretFile': 'b' }, 'webhooks.secret'],
    'a source without trust': [{ configSources: [{ ...source, trust: undefined }] }, 'configSources[0].trust'],
    'a source that trusts nobody': [
      { configSources: [{ ...source, trust: { projects: [] } }] },
      'configSources[0].trust',
    ],
    'a source that leaves its repository': [
      { configSources: [{ ...source, path: 'a/../..' }] },
      'configSources[0].path',
    ],
    'two sources of one name': [{ configSources: [source, source] }, 'configSources[1].name'],
    'a source with a field too many': [{ configSources: [{ ...source, repo: 'x' }] }, 'configSources[0].repo'],
    'sources that are no list': [{ configSources: '{' }, 'configSources'],
    'a credential that there is not': [
      { configSources: [{ ...source, credentials: 'bot' }] },
      'configSources[0].credentials',
    ],
    'a credential with two passwords': [
      { credentials: [{ name: 'bot', password: 'x', passwordFile: 'y' }] },
      'credentials[0].password',
    ],
    'a calendar without a place': [{ calendars: [{ name: 'de' }] }, 'calendars[0].url'],
    'a calendar of two places': [
      { calendars: [{ name: 'de', url: 'https://x/y', source: 'platform', file: 'z' }] },
      'calendars[0].url',
    ],
    'a calendar with a user in its URL': [{ calendars: [{ name: 'de', url: 'https://u:p@x/y' }] }, 'calendars[0].url'],
    'a calendar of a source that there is not': [
      { calendars: [{ name: 'de', source: 'none', file: 'z' }] },
      'calendars[0].source',
    ],
    'calendars of one name, asked for too often': [
      {
        calendars: [
          { name: 'de', url: 'https://x/y' },
          { name: 'de', url: 'https://x/z' },
          { refresh: '1s', uri: 'x' },
        ],
      },
      'calendars[2].uri',
      'calendars[2].name',
      'calendars[2].refresh',
      'calendars[2].url',
      'calendars',
    ],
    'everything at once': [{ listen: 'x', 'log.level': 'y', zzz: 1 }, 'zzz', 'listen', 'log.level'],
  }
  for (const [sentence, [loose, ...fields]] of Object.entries(BAD)) {
    it(sentence, () => {
      const compiled = compileHubOptions(loose)
      expect(compiled.kind === 'refused' ? compiled.problems.map(({ field }) => field) : []).toEqual(fields)
    })
  }
})

describe('where settings come from', () => {
  const gather = (over: Partial<SettingSources>) => gatherSettings({ environment: {}, flags: {}, ...over })
  const file = (text: string) => ({ path: 'hub.yaml', text })

  it('flags win over variables, variables over the file', () => {
    const text = 'log: { level: error }\nlisten: 127.0.0.1:1\npolling:\n  interval: 1m\ndataDirectory:\n'
    const gathered = gather({
      file: file(text),
      environment: { FLOTILLA_LOG_LEVEL: 'warn', FLOTILLA_LISTEN: '127.0.0.1:2' },
      flags: { 'log.level': 'debug' },
    })
    expect(gathered).toMatchObject({
      kind: 'options',
      options: { logLevel: 'debug', listen: { port: 2 }, pollIntervalMs: 60_000, dataDirectory: './flotilla-data' },
    })
  })

  it('a bare off in YAML is the mode', () => {
    const gathered = gather({ file: file('tls: { mode: off }\nlisten: 127.0.0.1:0\n') })
    expect(gathered).toMatchObject({ kind: 'options', options: { tls: { kind: 'off' } } })
  })

  it('a mistake is told with the place to mend it', () => {
    const text = 'polling:\n  interval: soon\nconfigSources:\n- name: a\n  repository: r\n  trust: some\n'
    const gathered = gather({
      file: file(text),
      environment: { FLOTILLA_LOG_LEVEL: 'loud' },
      flags: { 'tls.mode': 'maybe' },
    })
    const texts = gathered.kind === 'refused' ? gathered.problems.map(settingProblemText) : []
    expect(texts.sort()).toEqual([
      '--tls-mode tls.mode must be one of own, given, off',
      'FLOTILLA_LOG_LEVEL log.level must be one of debug, info, warn, error',
      'hub.yaml:2:13 polling.interval must be a duration like 90s, 3m or 1h30m, from 10s to 1d',
      'hub.yaml:6:10 configSources[0].trust must be all, or { projects: […] }',
    ])
  })

  it('broken YAML, a list and two documents are refused with their place', () => {
    for (const text of ['a: [', '- a', 'listen: ":1"\n---\nlisten: ":2"\n']) {
      const gathered = gather({ file: file(text) })
      expect(gathered.kind === 'refused' ? gathered.problems[0]?.at : '').toMatch(/^hub\.yaml:\d+:\d+$/)
    }
  })

  it('a variable that is nearly one of ours is mentioned, others are not', () => {
    const gathered = gather({ environment: { FLOTILLA_TLS_MOED: 'off', FLOTILLA_TOKEN: 'x', FLOTILLA_QQQQ: 'y' } })
    expect(gathered.kind === 'options' ? gathered.warnings.map(settingProblemText) : []).toEqual([
      'FLOTILLA_TLS_MOED FLOTILLA_TLS_MOED is not a setting of the hub\n  hint: did you mean "FLOTILLA_TLS_MODE"?',
    ])
  })

  it('every setting has a variable and a flag of its own', () => {
    expect(variableOf('tls.certificateFile')).toBe('FLOTILLA_TLS_CERTIFICATE_FILE')
    expect(flagOf('tls.certificateFile')).toBe('--tls-certificate-file')
    expect(variableOf('scm.rootCAFile')).toBe('FLOTILLA_SCM_ROOT_CA_FILE')
    expect(flagOf('scm.rootCAFile')).toBe('--scm-root-ca-file')
    expect(new Set(ALL_FIELDS.map(variableOf)).size).toBe(ALL_FIELDS.length)
    expect(new Set(ALL_FIELDS.map(flagOf)).size).toBe(ALL_FIELDS.length)
  })
})

it('what is printed holds no secret, and read again gives the same hub', () => {
  const loose = {
    'webhooks.secret': 'swordfish',
    listen: '[::1]:8443',
    'polling.interval': '90m',
    credentials: [{ name: 'bot', urls: ['https://u:hunter2@git/'], password: 'hunter2' }],
    configSources: [{ ...source, repository: 'https://bot:hunter2@git/fleet', credentials: 'bot' }],
    calendars: [{ name: 'de', url: 'https://example.com/de.ics?key=hunter2' }],
  }
  const shown = JSON.stringify(shownOptions(options(loose)))
  expect(shown).not.toMatch(/swordfish|hunter2/)
  const again = gatherSettings({ file: { path: 'printed', text: shown }, environment: {}, flags: {} })
  expect(again.kind === 'options' ? shownOptions(again.options) : again).toEqual(JSON.parse(shown))
})
