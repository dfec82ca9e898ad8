import { createHash } from 'node:crypto'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Request, Response } from 'express'
import type { Problem } from './problem.ts'
import type { Reply } from './route.ts'

/**
 * Writes an answer. Reads carry an ETag over their bytes, and one that the reader has already is not sent again
 * (304). Nothing may keep an answer for others.
 */
export function sendReply(reply: Reply, request: Request, response: Response): void {
  if (reply.kind === 'stream') {
    if (request.method === 'HEAD') response.end()
    else reply.begin(response)
    return
  }
  const text = reply.kind === 'json' ? jsonText(reply.body) : reply.body
  response.set({ 'Cache-Control': 'private, no-cache', Vary: 'Authorization', ...reply.headers })
  response.set('Content-Type', `${reply.kind === 'json' ? 'application/json' : reply.contentType}`)
  if (isRead(request) && reply.status === 200) {
    const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
    response.set('ETag', tag)
    if (matches(request.get('If-None-Match'), tag)) {
      response.status(304).end()
      return
    }
  }
  response.status(reply.status).end(text)
}

export function sendProblem(problem: Problem, response: Response): void {
  response
    .status(problem.status)
    .set({ 'Cache-Control': 'no-store', ...problem.headers })
    .set('Content-Type', 'application/problem+json')
  if (problem.code === 'UNAUTHENTICATED') response.set('WWW-Authenticate', 'Bearer realm="flotilla"')
  response.end(JSON.stringify(problem.body()))
}

/** Integers beyond 2^53 are bigints here; only then the slower writer is needed. */
function jsonText(body: unknown): string {
  try {
    return JSON.stringify(body)
  } catch (error) {
    if (error instanceof TypeError) return canonicalJson(body as Json)
    throw error
  }
}

function isRead(request: Request): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}

function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const given = header.split(',').map(each => each.trim().replace(/^W\//, ''))
  return given.includes('*') || given.includes(tag)
}
