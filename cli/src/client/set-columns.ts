import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { printable } from '../output/table.ts'
import type { Details } from './details.ts'
import { type Column, column, wideColumn } from './print-rows.ts'

/** What the table of sets shows; `-o wide` has all of it. */
export const SET_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('SOURCE', 'source'),
  { heading: 'READY', text: row => (textAt(readyOf(row), 'status') === 'True' ? 'yes' : 'no') },
  { heading: 'REASON', text: row => textAt(readyOf(row), 'reason') || '-' },
  column('APPLICATIONS', 'applications', 'total'),
  column('SYNCED', 'applications', 'sync', 'Synced'),
  column('HEALTHY', 'applications', 'health', 'Healthy'),
  column('HELD', 'applications', 'held'),
  { heading: 'ERRORS', text: row => String(listAt(row, 'errors').length) },
  wideColumn('HEALTH', 'health', 'status'),
  wideColumn('EXPANDED', 'expandedAt'),
  wideColumn('REMOVED', 'removedAt'),
]

/** Why a set is not ready, how each of its generators is and since when, and every error with its place. */
export const setDetails: Details = (row, colours) => {
  const line = (label: string, text: string): string => `${colours.dim(`${label}:`)} ${printable(text)}\n`
  const ready = readyOf(row)
  const why = textAt(ready, 'status') === 'True' ? '' : line('not ready', textAt(ready, 'message'))
  const generators = listAt(row, 'generators').map(each => line('generator', generatorText(each)))
  const errors = listAt(row, 'errors').map(each => line('error', errorText(each)))
  return [why, ...generators, ...errors].join('')
}

function readyOf(row: JsonObject): Json | undefined {
  return listAt(row, 'conditions').find(condition => textAt(condition, 'type') === 'Ready')
}

function generatorText(generator: Json): string {
  const status = textAt(generator, 'status')
  const okAt = textAt(generator, 'okAt')
  const count = valueAt(generator, 'applications')
  const age = status === 'ok' ? '' : ` since ${textAt(generator, 'since')}${okAt === '' ? '' : `, last ok ${okAt}`}`
  return `${textAt(generator, 'generator')} ${status}, ${count} Applications${age}`
}

function errorText(error: Json): string {
  const position = valueAt(error, 'position')
  const place = isJsonObject(position) ? `${textAt(position, 'file')}:${position['line']}:${position['column']}` : ''
  const generator = textAt(error, 'generator')
  const element = valueAt(error, 'element')
  const where = [
    ...(generator === '' ? [] : [`generator ${generator}`]),
    ...(element === undefined ? [] : [`element ${element}`]),
    textAt(error, 'stage'),
  ].filter(part => part !== '')
  const hint = textAt(error, 'hint')
  const said = `${place} ${textAt(error, 'code')} (${where.join(', ')}) ${textAt(error, 'message')}`
  return `${said.trim()}${hint === '' ? '' : `; hint: ${hint}`}`
}
