import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openApiDocument } from '../api/openapi.ts'
import { ROUTE_TABLE } from '../api/route-table.ts'
import { type ApiDocument, writeClient } from './write-client.ts'

it('the client is the one that the table of routes makes: node scripts/generate-client.ts', () => {
  const written = readFileSync(new URL('./operations.ts', import.meta.url), 'utf8')
  const made = writeClient(openApiDocument(ROUTE_TABLE, '') as ApiDocument)
  const lines = new Set(written.split('\n'))
  expect(made.split('\n').filter(line => !lines.has(line))).toEqual([])
  expect(written.length).toBe(made.length)
})
