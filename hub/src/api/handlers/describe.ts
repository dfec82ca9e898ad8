import { docsPage, docsPolicy } from '../docs-page.ts'
import { openApiDocument } from '../openapi.ts'
import { json, type Route, route } from '../route.ts'

/** The API described by itself: the document and the page are made from the very table that serves them. */
export function describingRoutes(table: () => readonly Route[]): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/openapi.json',
      id: 'openapi',
      tag: 'description',
      summary: 'This API as OpenAPI 3.1',
      access: 'public',
      answers: { 200: { description: 'The document.' } },
      handle: (_input, _caller, { services }) => json(200, openApiDocument(table(), services.settings.version)),
    }),
    route({
      method: 'get',
      path: '/api/docs',
      id: 'docs',
      tag: 'description',
      summary: 'This API to read',
      access: 'public',
      answers: { 200: { description: 'A page without scripts or foreign parts.', contentType: 'text/html' } },
      handle: (_input, _caller, { services }) => ({
        kind: 'text',
        status: 200,
        contentType: 'text/html',
        body: docsPage(table(), services.settings.version),
        headers: { 'Content-Security-Policy': docsPolicy() },
      }),
    }),
  ]
}
