import type { GitRepository } from '@flotilla/core/ports/git'
import type { HttpClient } from '../hosts/http-client.ts'
import { findPath } from '../source/repository-path.ts'
import { type CalendarAnswer, type CalendarSetting, MOST_CALENDAR_CHARACTERS } from './calendar-desk.ts'

/** Where calendars are had from. */
export interface CalendarPorts {
  /** Without it, none is fetched over the network. */
  readonly http?: HttpClient
  /** The repository of a config source as it was last fetched, and its commit. */
  sourceOf(
    name: string,
  ): Promise<{ readonly repository: GitRepository; readonly commit: string; readonly path: string } | undefined>
}

const TIMEOUT_MS = 30_000

/** Asks for a calendar once, with bounds. @throws Error that says why there is none; never with what may be secret. */
export async function fetchCalendar(
  { name, from }: CalendarSetting,
  etag: string | undefined,
  { http, sourceOf }: CalendarPorts,
): Promise<CalendarAnswer> {
  if (from.kind === 'file') return { kind: 'text', text: await readOfSource(from.source, from.path, sourceOf) }
  if (http === undefined) throw new Error('this hub asks nothing over the network')
  const reply = await http.send({
    method: 'GET',
    url: new URL(from.url),
    headers: {
      accept: 'text/calendar, text/plain;q=0.5',
      'user-agent': `flotilla calendar ${name}`,
      ...(etag !== undefined && { 'if-none-match': etag }),
    },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MOST_CALENDAR_CHARACTERS,
  })
  if (reply.status === 304) return { kind: 'unchanged' }
  if (reply.status !== 200) throw new Error(`the server answered ${reply.status}`)
  const tag = reply.headers.get('etag')
  return { kind: 'text', text: reply.text, ...(tag !== undefined && tag.length <= 200 && { etag: tag }) }
}

async function readOfSource(source: string, path: string, sourceOf: CalendarPorts['sourceOf']): Promise<string> {
  const found = await sourceOf(source)
  if (found === undefined) throw new Error(`config source "${source}" has not been fetched`)
  const { repository, commit } = found
  const { tree } = await repository.readCommit(commit as never)
  const whole = [found.path, path].filter(part => part !== '' && part !== '.').join('/')
  const target = await findPath(repository, tree, whole)
  if (target.kind === 'missing' || target.kind === 'refused') throw new Error(target.message)
  if (target.kind === 'directory') throw new Error(`"${whole}" is a folder`)
  return new TextDecoder('utf-8', { fatal: true }).decode(
    await repository.readBlob(target.id, MOST_CALENDAR_CHARACTERS),
  )
}
