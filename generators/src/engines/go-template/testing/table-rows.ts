import { readdirSync, readFileSync } from 'node:fs'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'

/** One row of the tables that Go made (test/go-tables). */
export interface TableRow {
  readonly name: string
  readonly template: string
  readonly data: JsonObject
  readonly options: readonly string[]
  readonly output?: string
  /** Go's message, without Argo CD's words before it. */
  readonly error?: string
  readonly stage?: 'parse' | 'execute'
}

const FOLDER = new URL('./expected/', import.meta.url)

export function tableNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter(name => name.endsWith('.json'))
    .sort()
}

export function tableRows(name: string): readonly TableRow[] {
  const rows = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as readonly Json[]
  return rows.filter(isJsonObject).map(row => ({ data: {}, options: [], ...row }) as unknown as TableRow)
}
