import { describe, expect, test } from 'vitest'
import { load } from '../load.ts'
import { mergeFleets } from '../merge-fleets.ts'

const HEAD = 'apiVersion: flotilla.dev/v1alpha1\nkind: NotificationRoute\nmetadata: {name: oncall}\nspec:\n'
const SLACK = '  to: [{slack: {webhookUrlRef: {secretName: chat, key: url}}}]\n'
const TRIGGER = '  triggers: [{trigger: on-health-degraded, for: 10m}]\n'

function loaded(spec: string) {
  return load({ source: '', trust: { kind: 'all' }, files: [{ path: 'r.yaml', text: HEAD + spec }] })
}

const said = (spec: string): string[] =>
  loaded(spec).diagnostics.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)

describe('a NotificationRoute', () => {
  test('is read with its defaults', () => {
    const [route] = loaded(TRIGGER + SLACK).fleet.notificationRoutes ?? []
    expect(route?.spec).toEqual({
      select: {},
      triggers: [{ name: 'on-health-degraded', kind: 'on-health-degraded', forMs: 600_000 }],
      targets: [{ name: 'slack', kind: 'slack', urlRef: { secretName: 'chat', key: 'url' } }],
      groupWaitMs: 30_000,
      updateEveryMs: 300_000,
      resolved: true,
      template: {},
    })
  })

  test('has targets of every kind', () => {
    const ref = '{secretName: s, key: k}'
    const spec = `${TRIGGER}  to:
  - {name: chat, slack: {channel: "#ops", tokenRef: ${ref}}}
  - {teams: {webhookUrlRef: ${ref}}}
  - {email: {server: "smtps://mail.example.com", from: f@example.com, to: [ops@example.com], usernameRef: ${ref}, passwordRef: ${ref}}}
  - {webhook: {url: "https://hooks.example.com/x", signingKeyRef: ${ref}}}
  - {github: {tokenRef: ${ref}, context: fleet}}
  - {gitlab: {tokenRef: ${ref}, api: "https://gitlab.example.com/api/v4"}}
`
    const load = loaded(spec)
    expect(load.diagnostics).toEqual([])
    expect(load.fleet.notificationRoutes?.[0]?.spec.targets.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'chat slack',
      'teams teams',
      'email email',
      'webhook webhook',
      'github github',
      'gitlab gitlab',
    ])
  })

  const mistakes: { readonly [sentence: string]: readonly [spec: string, said: string] } = {
    'knows its triggers': [
      `  triggers: [{trigger: on-health-degradet}]\n${SLACK}`,
      '5:24 INVALID_VALUE spec.triggers[0].trigger',
    ],
    'waits for a duration': [
      `  triggers: [{trigger: on-held, for: soon}]\n${SLACK}`,
      '5:38 INVALID_VALUE spec.triggers[0].for is not a duration',
    ],
    'tells no event late': [
      `  triggers: [{trigger: on-deployed, for: 1m}]\n${SLACK}`,
      '5:42 INVALID_VALUE spec.triggers[0].for: on-deployed is something that happens',
    ],
    'has conditions that can be read': [
      `  triggers: [{trigger: on-condition, when: "app.name =="}]\n${SLACK}`,
      '5:44 INVALID_VALUE spec.triggers[0].when',
    ],
    'has conditions for what is a condition': [
      `  triggers: [{trigger: on-condition}]\n${SLACK}`,
      '5:14 INVALID_VALUE spec.triggers[0]: on-condition needs when',
    ],
    'names no trigger twice': [
      `  triggers: [{trigger: on-held}, {trigger: on-held}]\n${SLACK}`,
      '5:34 INVALID_VALUE spec.triggers[1]: "on-held" is there already',
    ],
    'sends one thing to a target': [
      `${TRIGGER}  to: [{teams: {webhookUrlRef: {secretName: a, key: b}}, webhook: {url: "https://x"}}]\n`,
      '6:8 INVALID_VALUE spec.to[0]: must have exactly one of',
    ],
    'holds no password in an address': [
      `${TRIGGER}  to: [{webhook: {url: "https://ana:secret@example.com"}}]\n`,
      '6:24 INVALID_VALUE spec.to[0].webhook.url must hold no credentials',
    ],
    'speaks HTTP to webhooks': [
      `${TRIGGER}  to: [{webhook: {url: "file:///etc/passwd"}}]\n`,
      '6:24 INVALID_VALUE spec.to[0].webhook.url is not a URL that begins with https://',
    ],
    'has templates that can be read, and says where not': [
      `${TRIGGER}${SLACK}  template:\n    body: |\n      {{count.total}} of\n      them {{#each applications}}\n`,
      '11:7 INVALID_VALUE spec.template.body: unexpected the end of the text',
    ],
    'asks messages for what they have': [
      `${TRIGGER}${SLACK}  template:\n    body: |\n      ok\n      {{count.totl}}\n`,
      '10:9 INVALID_VALUE spec.template.body: there is no value for "count.totl"',
    ],
    'has no way out of a template': [
      `${TRIGGER}${SLACK}  template: {title: "{{cause.constructor}}"}\n`,
      '7:21 INVALID_VALUE spec.template.title: there is no value for "cause.constructor"',
    ],
  }
  test.each(Object.entries(mistakes))('%s', (_, [spec, expected]) => {
    const found = said(spec)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('with the eyes of a team that is not there says so', () => {
    const { diagnostics } = mergeFleets([loaded(`  team: shop\n${TRIGGER}${SLACK}`)])
    expect(diagnostics.map(({ line, column, severity, code }) => `${line}:${column} ${severity} ${code}`)).toEqual([
      '5:9 warning TEAM_UNKNOWN',
    ])
  })

  test('is for config sources that may declare everything', () => {
    const files = [{ path: 'r.yaml', text: HEAD + TRIGGER + SLACK }]
    const { diagnostics } = load({ source: 'shop', trust: { kind: 'projects', projects: ['shop'] }, files })
    expect(diagnostics.map(({ code }) => code)).toEqual(['NOT_TRUSTED'])
  })
})
