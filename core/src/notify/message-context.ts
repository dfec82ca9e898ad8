import type { JsonObject } from '../json/json.ts'
import { isoTime } from '../time/epoch-ms.ts'
import type { ApplicationView } from '../view/application-view.ts'
import type { Cause } from './judge-trigger.ts'
import type { RouteTrigger } from './route.ts'

/** So many are named in one message; the others are counted. */
export const MOST_NAMED = 20
/** No text of a message's values is longer. */
const MOST_CHARACTERS = 1_000

export interface Told {
  readonly name: string
  readonly app?: ApplicationView
  /** Of a cluster whose agent is silent. */
  readonly cluster?: string
  readonly message?: string
}

export interface MessageInput {
  readonly kind: 'firing' | 'update' | 'resolved' | 'event' | 'test'
  readonly route: string
  readonly trigger: RouteTrigger
  readonly cause: Cause
  readonly openedAt: number
  readonly resolvedAt?: number
  /** Whom it is about now, and whom it ever was. */
  readonly firing: number
  readonly total: number
  readonly told: readonly Told[]
  readonly hubUrl: string
  readonly id: string
}

/** What templates, and the bodies of webhooks, may say. Every field is always there, so that a template can be checked. */
export function messageContext(input: MessageInput): JsonObject {
  const { cause, told, firing, total } = input
  const named = told.slice(0, MOST_NAMED)
  const counted = input.kind === 'resolved' ? total : firing
  return {
    kind: input.kind,
    state: input.kind === 'resolved' ? 'resolved' : 'firing',
    route: input.route,
    trigger: input.trigger.name,
    what: WHAT[input.trigger.kind],
    incident: input.id,
    cause: {
      kind: cause.kind,
      text: cut(cause.text),
      revision: cause.revision ?? '',
      repository: cause.repository ?? '',
      link: commitLink(cause) ?? '',
    },
    event: {
      kind: cause.event?.kind ?? '',
      subject: cause.event?.subject ?? '',
      by: cause.event?.by ?? '',
      message: cut(cause.event?.message ?? ''),
    },
    count: { firing, total, resolved: Math.max(0, total - firing), named: named.length, more: counted - named.length },
    applications: named.map(one => applicationOf(one, input.hubUrl)),
    openedAt: isoTime(input.openedAt),
    resolvedAt: input.resolvedAt === undefined ? '' : isoTime(input.resolvedAt),
    hub: input.hubUrl,
  }
}

const WHAT: { readonly [kind in RouteTrigger['kind']]: string } = {
  'on-health-degraded': 'Degraded',
  'on-sync-failed': 'sync failed',
  'on-sync-status-unknown': 'sync status Unknown',
  'on-out-of-sync': 'OutOfSync',
  'on-held': 'held',
  'on-agent-silent': 'agent silent',
  'on-condition': 'matches the condition',
  'on-deployed': 'deployed',
  'on-sync-succeeded': 'synced',
  'on-gate': 'gate',
}

function applicationOf({ name, app, cluster, message }: Told, hubUrl: string): JsonObject {
  return {
    name,
    project: app?.project ?? '',
    cluster: app?.cluster ?? cluster ?? '',
    environment: app?.environment ?? '',
    namespace: app?.namespace ?? '',
    set: app?.set ?? '',
    health: app?.health.status ?? '',
    sync: app?.sync.status ?? '',
    revision: app?.revision ?? '',
    message: cut(message ?? app?.health.message ?? app?.operation?.message ?? app?.hold?.reason ?? ''),
    link:
      hubUrl === ''
        ? ''
        : `${hubUrl}/api/v1/${app === undefined ? 'clusters' : 'applications'}/${encodeURIComponent(name)}`,
  }
}

/** Where hosts show a commit; undefined for a repository that is on none. */
function commitLink({ repository, revision }: Cause): string | undefined {
  if (repository === undefined || revision === undefined || !/^[0-9a-f]{7,64}$/.test(revision)) return undefined
  if (!URL.canParse(repository)) return undefined
  const url = new URL(repository)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  const path = url.pathname.replace(/\/$/, '').replace(/\.git$/, '')
  const middle = url.hostname.includes('gitlab') ? '/-/commit/' : '/commit/'
  return `${url.origin}${path}${middle}${revision}`
}

function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`
}

/** A message of every field, with which templates are tried when they are read. */
export function sampleContext(trigger: RouteTrigger): JsonObject {
  const sample = messageContext({
    ...{ kind: 'firing', route: 'route', trigger, openedAt: 0, firing: 1, total: 1, told: [{ name: 'application' }] },
    ...{
      cause: { kind: 'commit', text: 'commit 0123456', revision: '0123456' },
      hubUrl: 'https://hub',
      id: 'incident',
    },
  })
  return sample
}

export const DEFAULT_TITLE =
  '{{#if (eq kind "test")}}[test] {{/if}}{{#if (eq state "resolved")}}Resolved: {{/if}}{{#if (eq event.kind "")}}{{count.total}} {{what}}: {{cause.text}}{{else}}{{event.kind}}: {{event.subject}}{{/if}}'

export const DEFAULT_BODY = `{{#unless (eq event.kind "")}}{{event.message}} (by {{event.by}})
{{/unless}}{{#if (eq state "resolved")}}All {{count.total}} are well again since {{resolvedAt}}.
{{else}}{{#if (eq event.kind "")}}{{count.firing}} now, {{count.total}} since {{openedAt}}.
{{/if}}{{/if}}{{#each applications}}{{name}}{{#unless (eq cluster "")}} on {{cluster}}{{/unless}}{{#unless (eq message "")}}: {{message}}{{/unless}}{{#unless (eq link "")}} {{link}}{{/unless}}
{{/each}}{{#if (gt count.more 0)}}and {{count.more}} more
{{/if}}{{#unless (eq cause.link "")}}{{cause.link}}
{{/unless}}`
