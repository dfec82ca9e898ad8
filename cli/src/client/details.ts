import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, numberAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Colours } from '../output/colours.ts'
import { diagnosticText } from '../output/diagnostics.ts'
import { printable } from '../output/table.ts'

/** What stands below the table of one thing: why it is not as it should be. Empty when all is well. */
export type Details = (row: JsonObject, colours: Colours) => string

/** Why an Application is held, not Synced or not Healthy, and how its last operation ended. */
export const applicationDetails: Details = (row, colours) => {
  const hold = valueAt(row, 'hold')
  const place = valueAt(hold, 'at')
  return [
    line(colours, 'hold', textAt(hold, 'code'), textAt(hold, 'reason')),
    line(colours, 'removal', removalText(row)),
    line(colours, 'at', isJsonObject(place) ? `${textAt(place, 'file')}:${place['line']}:${place['column']}` : ''),
    line(colours, 'sync', textAt(valueAt(row, 'sync'), 'message')),
    line(colours, 'health', textAt(valueAt(row, 'health'), 'message')),
    listAt(row, 'conditions')
      .map(each => line(colours, 'warning', textAt(each, 'type'), textAt(each, 'message')))
      .join(''),
    listAt(row, 'interventions')
      .map(each => interventionLine(each, colours))
      .join(''),
    operationLine(valueAt(row, 'operation'), colours),
  ].join('')
}

/** Why a config source is stale, every mistake in it, and what is in force as it was before the mistake. */
export const sourceDetails: Details = (row, colours) => {
  const error = valueAt(row, 'error')
  const diagnostics = listAt(row, 'diagnostics').map(diagnosticOf)
  const kept = listAt(row, 'documents').filter(document => textAt(document, 'state') === 'last-good')
  return [
    line(colours, 'error', textAt(error, 'code'), textAt(error, 'message'), since(textAt(error, 'since'))),
    ...diagnostics.map(diagnostic => diagnosticText(diagnostic, colours)),
    ...kept.map(document =>
      line(
        colours,
        'kept',
        `${textAt(document, 'kind')} "${textAt(document, 'name')}" is in force as it last was good`,
      ),
    ),
  ].join('')
}

function removalText(row: JsonObject): string {
  const removal = valueAt(row, 'removal')
  if (!isJsonObject(removal)) return ''
  const fate = textAt(removal, 'policy') === 'prune' ? 'its objects are deleted' : 'its objects stay'
  const plan = textAt(removal, 'plan')
  const approved = plan === '' ? '' : `, approved as ${plan}`
  return `nobody wants it since ${textAt(removal, 'since')}${approved}; after the grace period ${fate}`
}

/** One that succeeded is told by the table. */
function interventionLine(intervention: Json, colours: Colours): string {
  const text = (field: string): string => textAt(intervention, field)
  const end = text('until') === '' ? '' : `until ${text('until')}`
  const to =
    text('asked') === '' ? text('revision').slice(0, 12) : `${text('asked')} (${text('revision').slice(0, 12)})`
  const why = text('reason') === '' ? '' : `(${text('reason')})`
  const paused = text('kind') === 'pause'
  if (paused) return line(colours, 'paused', `by ${text('by')} since ${text('since')}`, end, why)
  return line(colours, 'pinned', to, `by ${text('by')} since ${text('since')}`, end, why)
}

function operationLine(operation: Json | undefined, colours: Colours): string {
  const phase = textAt(operation, 'phase')
  if (phase === 'Succeeded') return ''
  const attempts = numberAt(operation, 'attempts')
  const resumesAt = textAt(operation, 'resumesAt')
  const notes = [attempts > 1 ? `attempt ${attempts}` : '', resumesAt === '' ? '' : `goes on at ${resumesAt}`]
  const note = notes.filter(each => each !== '').join(', ')
  const hooks = listAt(operation, 'failedHooks').map(hook => hookText(hook, colours))
  return (
    line(colours, 'operation', phase, textAt(operation, 'message'), note === '' ? '' : `(${note})`) + hooks.join('')
  )
}

/** Why a hook failed, and below it the last that it said. */
function hookText(hook: Json, colours: Colours): string {
  const reason = textAt(hook, 'reason')
  const exitCode = valueAt(hook, 'exitCode')
  const end = [reason, typeof exitCode === 'number' ? `exit code ${exitCode}` : ''].filter(each => each !== '')
  const about = [textAt(hook, 'phase'), ...end].join(', ')
  const said = listAt(hook, 'lastLines').map(text => `  ${printable(String(text))}\n`)
  return line(colours, 'hook', textAt(hook, 'object'), `(${about})`, textAt(hook, 'message')) + said.join('')
}

function since(time: string): string {
  return time === '' ? '' : `(since ${time})`
}

/** Nothing when there is nothing to say. */
function line(colours: Colours, label: string, ...parts: readonly string[]): string {
  const text = parts.filter(part => part !== '').join(' ')
  return text === '' ? '' : `${colours.dim(`${label}:`)} ${printable(text)}\n`
}

function diagnosticOf(value: unknown): Diagnostic {
  const row = value as JsonObject
  const hint = textAt(row, 'hint')
  return {
    severity: textAt(row, 'severity') === 'warning' ? 'warning' : 'error',
    code: textAt(row, 'code'),
    file: textAt(row, 'file'),
    line: numberAt(row, 'line') ?? 1,
    column: numberAt(row, 'column') ?? 1,
    message: textAt(row, 'message'),
    ...(hint === '' ? {} : { hint }),
  }
}
