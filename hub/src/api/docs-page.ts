import { createHash } from 'node:crypto'
import { accessText } from '../access/route-access.ts'
import { openApiDocument } from './openapi.ts'
import { PROBLEMS } from './problem.ts'
import type { Route } from './route.ts'

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2330; background: #fff }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #d5d9e2 }
h3 { margin-bottom: 0 }
code { font: 0.9em ui-monospace, monospace; background: #eef0f5; padding: 0.1em 0.3em; border-radius: 3px }
table { border-collapse: collapse; margin: 0.5rem 0 }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.8rem 0.2rem 0 }
.access { color: #4a5468 }
@media (prefers-color-scheme: dark) { body { color: #e4e7ee; background: #14171e } code { background: #262b36 } .access { color: #a9b2c5 } h2 { border-color: #3a4150 } }
`

interface Parameter {
  readonly name: string
  readonly in: string
  readonly description?: string
  readonly schema?: { readonly description?: string }
}
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly responses: { readonly [status: string]: { readonly description: string } }
}

/** The page's Content-Security-Policy: its own style and nothing else. */
export function docsPolicy(): string {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}

/** The API to read: what OpenAPI says, as a page that needs no script, no network and no second file. */
export function docsPage(table: readonly Route[], version: string): string {
  const { paths } = openApiDocument(table, version) as { paths: Record<string, Record<string, Operation>> }
  const tags = [...new Set(table.map(({ tag }) => tag))]
  const sections = tags.map(tag => {
    const routes = table.filter(route => route.tag === tag)
    return `<h2>${escapeHtml(tag)}</h2>${routes.map(route => routeText(route, paths[route.path]![route.method]!)).join('')}`
  })
  const problems = Object.entries(PROBLEMS).map(
    ([code, [status, meaning]]) =>
      `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td>${escapeHtml(meaning)}</td></tr>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Flotilla API</title><style>${STYLE}</style></head><body>
<h1>Flotilla API <small>${escapeHtml(version)}</small></h1>
<p>Every request carries <code>Authorization: Bearer flt_…</code>, except where it says public. The same as
<a href="/api/v1/openapi.json">OpenAPI 3.1</a>. Errors are <code>application/problem+json</code> with a code of the last
table; answers carry <code>X-Request-Id</code>, reads an <code>ETag</code>.</p>
${sections.join('\n')}
<h2>problems</h2><table><tr><th>status</th><th>code</th><th>meaning</th></tr>${problems.join('')}</table>
</body></html>
`
}

function routeText(route: Route, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: place, description, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(place)}</td><td>${escapeHtml(description ?? schema?.description ?? '')}</td></tr>`,
  )
  const answers = Object.entries(operation.responses).map(
    ([status, { description }]) => `<tr><td>${escapeHtml(status)}</td><td>${escapeHtml(description)}</td></tr>`,
  )
  return `<h3 id="${route.id}"><code>${route.method.toUpperCase()} ${escapeHtml(route.path)}</code></h3>
<p>${escapeHtml(route.summary)} <span class="access">(${escapeHtml(accessText(route.access))})</span></p>
${parameters.length > 0 ? `<table>${parameters.join('')}</table>` : ''}<table>${answers.join('')}</table>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
