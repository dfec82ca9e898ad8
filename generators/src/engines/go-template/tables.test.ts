import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { TemplateError } from '../../failure.ts'
import { renderText } from '../engine.ts'
import { createGoTemplate } from './go-template.ts'
import { type TableRow, tableNames, tableRows } from './testing/table-rows.ts'

/** Tables hold of chance and time only what is always so. */
const ENVIRONMENT = { now: () => 1_763_748_000_000, bytes: (length: number) => randomBytes(length) }

// One test a table: ten thousand rows as tests of their own take longer to be told than to be run.
test.each(tableNames())('as Go says in every row of %s', table => {
  const rows = tableRows(table)
  expect(rows.length).toBeGreaterThan(0)
  const different = rows.filter(row => !isDeepStrictEqual(outcome(row), expected(row)))
  const told = different.map(row => ({ name: row.name, ours: outcome(row), expected: expected(row) }))
  expect(told.slice(0, 20), `${different.length} of ${rows.length} rows differ`).toEqual([])
})

function expected({ template, output, error, stage }: TableRow): object {
  if (error === undefined) return { output }
  if (error.startsWith('panic: ')) return { error: error.slice('panic: '.length) }
  const words = stage === 'parse' ? 'failed to parse template' : 'failed to execute go template'
  return { error: `${words} ${template}: ${error}` }
}

function outcome({ template, data, options }: TableRow): object {
  try {
    return {
      output: renderText(createGoTemplate({ options, environment: ENVIRONMENT }), template, data, { remaining: 1e9 }),
    }
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message }
    throw error
  }
}
