import type { WebhookEvent } from '@flotilla/hub/webhooks/event'

/** A seed of its own for each part, so that one part's chances do not depend on how often another draws. */
export function mixed(seed: number, name: string): number {
  let value = seed >>> 0
  for (const character of name) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0
  return value
}

/** What a host tells of a push, which knows its repository by another address than documents do. */
export function pushTo(repository: string): WebhookEvent {
  const address = repository.replace('https://git.example.com/', 'git@git.example.com:')
  const name = address.slice(address.indexOf(':') + 1)
  const told = { urls: [address], hostName: 'git.example.com', namespace: '', name, defaultBranch: 'main' }
  return { kind: 'push', host: 'gitea', repository: told, ref: 'refs/heads/main' }
}
