import type { Json, JsonObject } from '@flotilla/core/json/json'
import { compileTrigger } from '@flotilla/core/notify/judge-trigger'
import { DEFAULT_BODY, DEFAULT_TITLE, sampleContext } from '@flotilla/core/notify/message-context'
import {
  isEventTrigger,
  type NotificationRouteSpec,
  type RouteTarget,
  type RouteTrigger,
  type SecretRef,
  type TriggerKind,
} from '@flotilla/core/notify/route'
import { renderText } from '@flotilla/generators/engines/engine'
import { handlebars } from '@flotilla/generators/engines/handlebars/handlebars'
import { TemplateError } from '@flotilla/generators/failure'
import { type Path, type Problem, pathText } from '../problem.ts'
import { notificationRouteDocument } from '../schema/notification-route.ts'
import { parseDurationMs } from '../schema/repository.ts'
import { type KindReader, type KindReading, listOf, member, nameOf, textOf } from './kind.ts'

const GROUP_WAIT_MS = 30_000
const UPDATE_EVERY_MS = 5 * 60_000
const TARGETS = ['slack', 'teams', 'email', 'webhook', 'github', 'gitlab'] as const
const GITHUB_API = 'https://api.github.com'
const GITLAB_API = 'https://gitlab.com/api/v4'
const SLACK_API = 'https://slack.com/api'
/** Names are parts of ids of messages and of labels of metrics. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
/** What a template may make while it is tried. */
const TRIED_CHARACTERS = 64 * 1024

function readNotificationRoute(document: JsonObject): KindReading {
  const spec = member(document, 'spec')
  const sound = notificationRouteDocument.safeParse(document).success
  const triggers = listOf(spec['triggers']).map(triggerOf)
  const targets = listOf(spec['to']).map(targetOf)
  const select = member(spec, 'applications')
  const { names, labels, ...lists } = select
  const team = textOf(spec['team'])
  const repeatEveryMs = durationOf(spec['repeatEvery'])
  const template = member(spec, 'template') as { readonly title?: string; readonly body?: string }
  const read: NotificationRouteSpec = {
    ...(team === undefined ? {} : { team }),
    select: {
      ...(lists as NotificationRouteSpec['select']),
      ...(names === undefined ? {} : { applications: names as unknown as readonly string[] }),
      ...(labels === undefined ? {} : { labels: labels as { readonly [key: string]: string } }),
    },
    triggers,
    targets,
    groupWaitMs: durationOf(spec['groupWait']) ?? GROUP_WAIT_MS,
    updateEveryMs: durationOf(spec['updateEvery']) ?? UPDATE_EVERY_MS,
    ...(repeatEveryMs === undefined ? {} : { repeatEveryMs }),
    resolved: spec['resolved'] !== false,
    template,
  }
  return { name: nameOf(document), spec: read, problems: sound ? problemsOf(document, read) : [] }
}

function triggerOf(value: Json): RouteTrigger {
  const trigger = value as JsonObject
  const kind = trigger['trigger'] as TriggerKind
  const when = textOf(trigger['when'])
  const events = trigger['events'] as readonly string[] | undefined
  return {
    name: textOf(trigger['name']) ?? kind,
    kind,
    forMs: durationOf(trigger['for']) ?? 0,
    ...(when === undefined ? {} : { when }),
    ...(events === undefined ? {} : { events }),
  }
}

function targetOf(value: Json): RouteTarget {
  const kind = TARGETS.find(each => hasKey(value, each)) ?? 'webhook'
  const given = member(value, kind)
  const name = textOf((value as JsonObject)['name']) ?? kind
  const ref = (key: string): SecretRef => given[key] as unknown as SecretRef
  const optional = (key: string): object => (given[key] === undefined ? {} : { [key]: given[key] })
  switch (kind) {
    case 'slack':
      return given['webhookUrlRef'] === undefined
        ? {
            ...{ name, kind, tokenRef: ref('tokenRef'), channel: textOf(given['channel']) ?? '' },
            api: textOf(given['api']) ?? SLACK_API,
          }
        : { name, kind, urlRef: ref('webhookUrlRef') }
    case 'teams':
      return { name, kind, urlRef: ref('webhookUrlRef') }
    case 'email':
      return {
        ...{ name, kind, server: textOf(given['server']) ?? '', from: textOf(given['from']) ?? '' },
        to: listOf(given['to']).filter(each => typeof each === 'string'),
        ...optional('usernameRef'),
        ...optional('passwordRef'),
      }
    case 'webhook':
      return {
        ...{ name, kind },
        ...optional('url'),
        ...optional('urlRef'),
        ...optional('signingKeyRef'),
        ...optional('bearerRef'),
      }
    default: {
      const api = textOf(given['api']) ?? (kind === 'github' ? GITHUB_API : GITLAB_API)
      return { name, kind, api, tokenRef: ref('tokenRef'), context: textOf(given['context']) ?? 'flotilla' }
    }
  }
}

function hasKey(value: Json, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}

function durationOf(value: Json | undefined): number | undefined {
  const text = textOf(value)
  return text === undefined ? undefined : parseDurationMs(text)
}

function problemsOf(document: JsonObject, spec: NotificationRouteSpec): Problem[] {
  const { triggers, to } = member(document, 'spec')
  return [
    ...twice(
      spec.triggers.map(({ name }) => name),
      'triggers',
      'give one of them a name',
    ),
    ...twice(
      spec.targets.map(({ name }) => name),
      'to',
      'give one of them a name',
    ),
    ...listOf(to).flatMap((value, index) => targetProblems(value, ['spec', 'to', index])),
    ...listOf(triggers).flatMap((_, index) => triggerProblems(spec.triggers[index]!, ['spec', 'triggers', index])),
    ...templateProblems(spec),
  ]
}

function twice(names: readonly string[], list: string, hint: string): Problem[] {
  return names.flatMap((name, index): Problem[] => {
    const path: Path = ['spec', list, index]
    if (!NAME.test(name)) {
      return [invalid(path, `"${name}" is no name: at most 63 lower-case letters, digits and "-"`)]
    }
    return names.indexOf(name) === index ? [] : [{ ...invalid(path, `"${name}" is there already`), hint }]
  })
}

function targetProblems(value: Json, path: Path): Problem[] {
  const kinds = TARGETS.filter(each => hasKey(value, each))
  if (kinds.length !== 1) return [invalid(path, `must have exactly one of ${TARGETS.join(', ')}`)]
  const given = member(value, kinds[0]!)
  const has = (key: string): boolean => given[key] !== undefined
  const at: Path = [...path, kinds[0]!]
  if (kinds[0] === 'slack' && has('webhookUrlRef') === (has('channel') && has('tokenRef'))) {
    return [invalid(at, 'needs either webhookUrlRef, or channel and tokenRef')]
  }
  if (kinds[0] === 'webhook' && has('url') === has('urlRef')) return [invalid(at, 'needs either url or urlRef')]
  if (kinds[0] === 'email' && has('usernameRef') !== has('passwordRef')) {
    return [invalid(at, 'usernameRef and passwordRef go together')]
  }
  return []
}

function triggerProblems(trigger: RouteTrigger, path: Path): Problem[] {
  const problems: Problem[] = []
  const { kind, when } = trigger
  if (kind === 'on-condition' && when === undefined) problems.push(invalid(path, 'on-condition needs when'))
  if (when !== undefined && (kind === 'on-gate' || kind === 'on-agent-silent')) {
    problems.push(invalid([...path, 'when'], `when asks about an Application, and ${kind} is about none`))
  }
  if (trigger.events !== undefined && kind !== 'on-gate') {
    problems.push(invalid([...path, 'events'], `events go with on-gate, not with ${kind}`))
  }
  if (isEventTrigger(kind) && trigger.forMs > 0) {
    problems.push(invalid([...path, 'for'], `${kind} is something that happens, and lasts no time`))
  }
  const compiled = compileTrigger(trigger)
  if (typeof compiled === 'string') problems.push(invalid([...path, 'when'], compiled))
  return problems
}

/** Templates are tried with a message of each trigger: what one asks for that no message has is a mistake now. */
function templateProblems({ template, triggers }: NotificationRouteSpec): Problem[] {
  return (['title', 'body'] as const).flatMap((field): Problem[] => {
    const text = template[field]
    if (text === undefined) return []
    for (const trigger of triggers) {
      try {
        renderText(handlebars, text, sampleContext(trigger), { remaining: TRIED_CHARACTERS })
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        const place = / ?,? at (\d+):(\d+) of the template$/.exec(error.message)
        const path: Path = ['spec', 'template', field]
        return [
          {
            ...invalid(path, place === null ? error.message : error.message.slice(0, place.index)),
            ...(error.hint === undefined ? {} : { hint: error.hint }),
            ...(place === null ? {} : { within: { line: Number(place[1]), column: Number(place[2]) } }),
          },
        ]
      }
    }
    return []
  })
}

function invalid(path: Path, message: string): Problem {
  return { code: 'INVALID_VALUE', severity: 'error', path, message: `${pathText(path)}: ${message}` }
}

/** The title and body of a route's messages, its own or ours. */
export function templatesOf({ template }: NotificationRouteSpec): { readonly title: string; readonly body: string } {
  return { title: template.title ?? DEFAULT_TITLE, body: template.body ?? DEFAULT_BODY }
}

export const notificationRouteReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'NotificationRoute',
  kind: 'NotificationRoute',
  group: 'flotilla.dev',
  schema: notificationRouteDocument,
  read: readNotificationRoute,
}
