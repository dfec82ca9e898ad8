import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openApiDocument } from '@flotilla/hub/api/openapi'
import { ROUTE_TABLE } from '@flotilla/hub/api/route-table'
import { type ApiDocument, writeClient } from '@flotilla/hub/client/write-client'

/** `node scripts/generate-client.ts`: writes the client's types anew, after the table of routes has changed. */
const file = fileURLToPath(new URL('../hub/src/client/operations.ts', import.meta.url))
writeFileSync(file, writeClient(openApiDocument(ROUTE_TABLE, '') as ApiDocument))
console.error(`written to ${file}`)
