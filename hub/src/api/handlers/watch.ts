import type { ApplicationView } from '@flotilla/core/view/application-view'
import { z } from 'zod'
import { CHANGE_KINDS, type Change, type ChangeKind } from '../change-log.ts'
import { anyOfEnum } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Route, route } from '../route.ts'
import { mayGoOn } from '../authenticate.ts'
import type { VisibleSet } from '../visible-set.ts'

export const watchRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/watch',
    id: 'watch',
    tag: 'watch',
    summary: 'Changes as they happen (Server-Sent Events)',
    access: 'readonly',
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
    handle({ query }, caller, { services, watchers, request }) {
      const { visible } = services
      const since = request.get('Last-Event-ID') ?? query.since
      const after = since === undefined ? undefined : services.view.changes.numberOf(since)
      if (since !== undefined && after === undefined) throw new Problem('WATCH_GONE')
      const begin = watchers.begin({
        kinds: new Set<ChangeKind>(query.kinds ?? CHANGE_KINDS),
        ...(after !== undefined && { after }),
        ...(visible && { sees: change => seenOf(change, visible(caller)) }),
        mayGoOn: () => mayGoOn(services, caller),
      })
      return { kind: 'stream', begin }
    },
  }),
]

/** A change as who watches may be told of it: what he could see and cannot any more is gone for him. */
function seenOf({ kind, action, object, before }: Change, visible: VisibleSet): 'put' | 'delete' | 'nothing' {
  if (kind !== 'applications') return action
  if (action === 'put' && visible.sees(object as ApplicationView)) return 'put'
  return before !== undefined && visible.sees(before) ? 'delete' : 'nothing'
}
