import { textAt, valueAt } from '@flotilla/core/json/read-json'
import type { EventRepository, WebhookAdapter } from './event.ts'
import { numberOf, pushOf, repositoryOf } from './github.ts'
import { neededTextAt } from './payload.ts'
import { equalText, hmacOf, provesHmac } from './proof.ts'

/** Gitea and Forgejo. They send GitHub's headers as well, so theirs are looked for first. */
export const gitea: WebhookAdapter = {
  host: 'gitea',
  recognises: headers => headers('x-gitea-event') !== undefined || headers('x-forgejo-event') !== undefined,
  admits(headers, rawBody, secret) {
    const own = headers('x-gitea-signature') ?? headers('x-forgejo-signature')
    if (own !== undefined && equalText(own.toLowerCase(), hmacOf(rawBody, secret))) return true
    return provesHmac(headers('x-hub-signature-256'), rawBody, secret)
  },
  read(headers, body) {
    const event = headers('x-gitea-event') ?? headers('x-forgejo-event') ?? ''
    const facts = (): { readonly host: 'gitea'; readonly repository: EventRepository } => ({
      host: 'gitea',
      repository: repositoryOf(valueAt(body, 'repository') ?? null),
    })
    // `pull_request_label`, `pull_request_sync` and others are one event with another action.
    if (/^pull_request(_(sync|label|assign|milestone))?$/.test(event)) {
      return [{ kind: 'pull-request', ...facts(), number: numberOf(body), action: neededTextAt(body, 'action') }]
    }
    switch (event) {
      case 'push':
        return [{ kind: 'push', ...facts(), ...pushOf(body) }]
      case 'repository':
        return [{ kind: 'repository', ...facts(), action: neededTextAt(body, 'action') }]
      case 'package':
        return valueAt(body, 'repository') == null
          ? []
          : [
              {
                kind: 'package',
                ...facts(),
                action: textAt(body, 'action'),
                packageName: textAt(body, 'package', 'name'),
                packageType: textAt(body, 'package', 'type'),
                version: textAt(body, 'package', 'version'),
              },
            ]
      default:
        return []
    }
  },
}
