import type { Request, Response } from 'express'
import { entityTag, namesTag } from './entity-tag.ts'
import { jsonText } from './json-text.ts'
import type { Problem } from './problem.ts'
import type { Reply } from './route.ts'

/** What every answer for one caller says to whoever stands between: it is nobody else's, and is asked for again. */
const PRIVATE = 'private, no-cache'
const VARY = 'Authorization, Cookie, Accept, Origin'

/**
 * Writes an answer. Reads carry a strong ETag over their bytes, and one that the reader has already is not sent again
 * (304). Nothing may keep an answer for others.
 */
export function sendReply(reply: Reply, request: Request, response: Response): void {
  if (reply.kind === 'stream') {
    response.setHeader('Vary', VARY)
    if (request.method === 'HEAD') response.end()
    else reply.begin(response)
    return
  }
  response.setHeader('Cache-Control', PRIVATE)
  response.setHeader('Vary', VARY)
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  response.setHeader('Content-Type', reply.kind === 'text' ? reply.contentType : 'application/json')
  const body = reply.kind === 'json' ? jsonText(reply.body) : reply.body
  if ((request.method === 'GET' || request.method === 'HEAD') && reply.status === 200) {
    const tag = reply.kind === 'written' ? reply.tag : entityTag(body)
    response.setHeader('ETag', tag)
    const known = request.headers['if-none-match']
    if (known !== undefined && namesTag(known, tag)) {
      response.status(304).end()
      return
    }
  }
  response.status(reply.status)
  // Known here, and then nothing has to be sent in chunks.
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}

export function sendProblem(problem: Problem, response: Response): void {
  response
    .status(problem.status)
    .set({ 'Cache-Control': 'no-store', Vary: VARY, ...problem.headers })
    .set('Content-Type', 'application/problem+json')
  if (problem.code === 'UNAUTHENTICATED') response.set('WWW-Authenticate', 'Bearer realm="flotilla"')
  response.end(JSON.stringify(problem.body()))
}
