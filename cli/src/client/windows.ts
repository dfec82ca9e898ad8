import { parseInstant } from '@flotilla/core/gates/civil-time'
import type { GateDecision } from '@flotilla/core/gates/decide'
import { instantOfPlace, parsePlace } from '@flotilla/core/gates/freeze-times'
import { TimeZone } from '@flotilla/core/gates/time-zone'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import type { SharedTimeline } from '../offline/gates-offline.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf } from '../output/formats.ts'
import { decisionText, timelineText } from '../output/gate-answers.ts'
import { printable, table } from '../output/table.ts'
import { documentsOf, type Flags } from './gates.ts'
import { withHubApi } from './open-hub-api.ts'

/** The same questions as without a hub, asked of one: by the rules that it goes by. */

export interface ExplainQuestion {
  readonly app: string
  readonly trigger: 'auto' | 'manual'
  readonly at?: string
  readonly operationStart?: string
  readonly timeZone?: string
}

/** 0 when it is open, 1 when it is closed. @throws CliError */
export async function explainOnHub(context: CliContext, flags: Flags, asked: ExplainQuestion): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const zone = zoneOf(asked.timeZone)
  const answer = await withHubApi(flags, context, api =>
    api.call(
      'decide',
      {
        query: {
          application: asked.app,
          trigger: asked.trigger === 'auto' ? 'automated' : 'manual',
          at: instantText('--at', asked.at, zone),
          operationStart: instantText('--operation-start', asked.operationStart, zone),
        },
      },
      `Application "${asked.app}"`,
    ),
  )
  const allowed = valueAt(answer, 'allowed') === true
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, answer)
    return allowed ? 0 : 1
  }
  const application = { name: asked.app, project: '', labels: {}, destination: {} }
  const shownIn = zone ?? TimeZone.find(textAt(answer, 'timeZone')) ?? TimeZone.utc
  const text = decisionText(
    decisionOf(answer),
    { application, zone: shownIn, trigger: asked.trigger },
    coloursOf(context, context.stdout, flags),
  )
  context.stdout.write(text)
  return allowed ? 0 : 1
}

export interface TimelineQuestion {
  readonly from: string
  readonly to: string
  readonly app?: string
  readonly timeZone?: string
}

/** @throws CliError */
export async function timelineOnHub(context: CliContext, flags: Flags, asked: TimelineQuestion): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const zone = zoneOf(asked.timeZone)
  const answer = await withHubApi(flags, context, api =>
    api.call(
      'timeline',
      {
        query: {
          from: instantText('--from', asked.from, zone) ?? '',
          to: instantText('--to', asked.to, zone) ?? '',
          application: asked.app,
        },
      },
      asked.app === undefined ? undefined : `Application "${asked.app}"`,
    ),
  )
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, answer)
    return 0
  }
  const timelines = listAt(answer, 'timelines')
  if (timelines.length === 0) context.stderr.write('there is no Application that you may see\n')
  const texts = timelines.map(each => {
    const shownIn = zone ?? TimeZone.find(textAt(each, 'timeZone')) ?? TimeZone.utc
    return timelineText([lineOf(each)], shownIn, coloursOf(context, context.stdout, flags))
  })
  context.stdout.write(texts.join('\n'))
  return 0
}

export interface SimulateQuestion {
  readonly documents: readonly { readonly file: string; readonly text: string }[]
  /** The windows would be made through the hub, and not be declared in Git. */
  readonly madeHere?: boolean
  readonly remove: readonly string[]
  readonly from?: string
  readonly to?: string
}

/** What a change of rules would block, before it is saved. @throws CliError */
export async function simulateOnHub(context: CliContext, flags: Flags, asked: SimulateQuestion): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const put = asked.documents.flatMap(({ file, text }) => documentsOf(file, text))
  if (put.length === 0 && asked.remove.length === 0)
    throw usageError('no change is given', 'give -f FILE or --remove RULE')
  const answer = await withHubApi(flags, context, api =>
    api.call('simulateGates', {
      body: {
        ...{ put, remove: asked.remove, madeHere: asked.madeHere === true },
        ...(asked.from !== undefined && { from: asked.from }),
        ...(asked.to !== undefined && { to: asked.to }),
      },
    }),
  )
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, answer)
    return 0
  }
  context.stdout.write(simulationText(answer, coloursOf(context, context.stdout, flags)))
  return 0
}

const MOST_SHOWN = 50

function simulationText(answer: JsonObject, colours: ReturnType<typeof coloursOf>): string {
  const changes = listAt(answer, 'changes')
  const rows = changes.slice(0, MOST_SHOWN).flatMap(change =>
    (['automated', 'manual'] as const).flatMap(trigger =>
      (['closes', 'opens'] as const).flatMap(what => {
        const times = listAt(change, trigger, what)
        const [first] = times
        if (first === undefined) return []
        const more = times.length > 1 ? ` and ${times.length - 1} more` : ''
        const from = textAt(first, 'from')
        return [[textAt(change, 'application'), trigger, what, `${from} to ${textAt(first, 'to')}${more}`]]
      }),
    ),
  )
  const total = Number(valueAt(answer, 'total'))
  const rest = total > MOST_SHOWN ? `and ${total - MOST_SHOWN} more Applications\n` : ''
  const head = `${printable(textAt(answer, 'message'))}\n`
  if (rows.length === 0) return `${head}nothing changes for any Application until ${textAt(answer, 'to')}\n`
  return `${head}\n${table(['APPLICATION', 'FOR', 'CHANGE', 'WHEN'], rows, colours)}${rest}`
}

/** The numbers again that JSON has as text. */
function decisionOf(answer: JsonObject): GateDecision {
  const time = (value: Json | undefined): EpochMs | undefined =>
    typeof value === 'string' ? parseInstant(value) : undefined
  const layers = listAt(answer, 'layers').map(layer => ({
    ...(layer as JsonObject),
    blockers: listAt(layer, 'blockers').map(each => ({
      ...(each as JsonObject),
      opensAt: time(valueAt(each, 'opensAt')),
    })),
  }))
  return {
    ...answer,
    layers,
    nextChange: time(valueAt(answer, 'nextChange')),
    evaluatedAt: time(valueAt(answer, 'evaluatedAt')) ?? 0,
  } as unknown as GateDecision
}

function lineOf(timeline: Json): SharedTimeline {
  const intervals = listAt(timeline, 'intervals').map(each => ({
    ...(each as JsonObject),
    from: parseInstant(textAt(each, 'from')) ?? 0,
    to: parseInstant(textAt(each, 'to')) ?? 0,
  }))
  return { applications: listAt(timeline, 'applications'), intervals } as unknown as SharedTimeline
}

function zoneOf(name: string | undefined): TimeZone | undefined {
  if (name === undefined) return undefined
  const zone = TimeZone.find(name)
  if (zone === undefined) throw usageError(`--time-zone ${name} is not an IANA time zone such as Europe/Berlin`)
  return zone
}

/** An instant as the hub takes it; a local time needs a zone to be one. @throws CliError */
function instantText(option: string, text: string | undefined, zone: TimeZone | undefined): string | undefined {
  if (text === undefined || text === 'now' || text.startsWith('+')) return text
  const place = parsePlace(text)
  if (place === undefined || (place.kind === 'local' && zone === undefined)) {
    const hint = 'write 2026-12-24T12:00:00Z, or give --time-zone'
    throw usageError(`${option} ${text} is no instant`, hint)
  }
  return isoTime(instantOfPlace(place, zone ?? TimeZone.utc, 'first'))
}
