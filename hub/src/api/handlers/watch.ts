import { z } from 'zod'
import { freshRights, rightsOf } from '../../access/rights-of.ts'
import { each } from '../../access/route-access.ts'
import { seenChange, streamTag } from '../../access/seen-changes.ts'
import { againAs, authenticatorOf } from '../authenticate.ts'
import { CHANGE_KINDS, type ChangeKind } from '../change-log.ts'
import { anyOfEnum } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

export const watchRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/watch',
    id: 'watch',
    tag: 'watch',
    summary: 'Changes as they happen (Server-Sent Events)',
    access: each('applications', 'get'),
    query: z.strictObject({
      kinds: anyOfEnum('Only of these kinds', CHANGE_KINDS),
      since: z
        .string()
        .max(100)
        .optional()
        .meta({ description: 'Go on after this id; the header Last-Event-ID says the same and wins.' }),
    }),
    answers: {
      200: {
        description:
          'Without `since` an event `snapshot` comes first: list now, what follows is newer. Then one event for each ' +
          'change, named for its kind: `{"action":"put"|"delete","name":…,"object":…}`, with an id to go on from.',
        contentType: 'text/event-stream',
      },
    },
    problems: ['WATCH_GONE', 'TOO_MANY_WATCHERS'],
    handle({ query }, caller, context) {
      const { services, watchers, request } = context
      rightsOf(caller, context).needNone()
      // Whoever watches may be in other groups by and by.
      let who: Caller = caller
      const tag = () => streamTag(freshRights(who, context), who)
      const since = request.get('Last-Event-ID') ?? query.since
      const [id, given] = since?.split('.', 2) ?? []
      const after = id === undefined ? undefined : services.view.changes.numberOf(id)
      if (since !== undefined && after === undefined) throw new Problem('WATCH_GONE')
      // What was sent by another policy may name what is not to be seen any more.
      if (given !== undefined && given !== tag()) throw new Problem('WATCH_GONE')
      const begin = watchers.begin({
        kinds: new Set<ChangeKind>(query.kinds ?? CHANGE_KINDS),
        ...(after !== undefined && { after }),
        sees: change => {
          const now = services.clock.now()
          return seenChange(change, freshRights(who, context), services, now)
        },
        tag,
        ...(services.access && { onRights: listener => services.access!.onChange(listener) }),
        mayGoOn: async () => {
          const again = await againAs(services, who)
          who = again ?? who
          return again !== undefined
        },
        onRevoked: listener => authenticatorOf(services).onRevoked(listener),
      })
      return { kind: 'stream', begin }
    },
  }),
]
