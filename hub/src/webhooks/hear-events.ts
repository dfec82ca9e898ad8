import type { HostedRequest } from '@flotilla/generators/inputs'
import type { Hosts } from '../hosts/hosts.ts'
import type { Loop } from '../loop/loop.ts'
import type { WebhookEvent } from './event.ts'
import { addressKey, isAboutKey } from './match-event.ts'
import { concernedBy } from './requests-concerned-by.ts'

/** What is looked at again when something is heard. */
export interface Hearers {
  readonly loop: Pick<Loop, 'repositories' | 'refreshRepository'>
  readonly hosts: Pick<Hosts, 'invalidate'>
}

/**
 * Looks again at whatever these events concern: repositories that anything reads are fetched, and listings of hosts
 * that any set asked for are asked for again. What comes of it is as if it had been time to look anyway.
 *
 * @returns Whether they concern anything.
 */
export function hearEvents(events: readonly WebhookEvent[], { loop, hosts }: Hearers): boolean {
  const pushed = [...new Set(events.filter(({ kind }) => kind === 'push').map(({ repository }) => repository))]
  const urls = loop.repositories().filter(url => {
    const key = addressKey(url)
    return pushed.some(repository => isAboutKey(repository, key))
  })
  for (const url of urls) loop.refreshRepository(url)
  return askAgain(hosts, concernedBy(events)) || urls.length > 0
}

/** Asks a plugin again, for every set that names it. @returns Whether any does. */
export function refreshPlugin(name: string, { hosts }: Pick<Hearers, 'hosts'>): boolean {
  return askAgain(hosts, request => request.kind === 'plugin' && request.configMapRef === name)
}

function askAgain(hosts: Hearers['hosts'], concerned: (request: HostedRequest) => boolean): boolean {
  let any = false
  hosts.invalidate(request => {
    const hit = concerned(request)
    any ||= hit
    return hit
  })
  return any
}
