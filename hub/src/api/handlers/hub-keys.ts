import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { all } from '../../access/route-access.ts'
import type { HubKeysShown } from '../../gateway/rotate-hub-key.ts'
import { Problem } from '../problem.ts'
import { json, type Route, route } from '../route.ts'

const hubKeysSchema = z
  .strictObject({
    keys: z.array(
      z.strictObject({ kid: z.string(), since: z.iso.datetime(), state: z.enum(['announced', 'signing', 'retired']) }),
    ),
    waitingFor: z.array(z.string()).meta({ description: 'Clusters that do not know the announced key yet.' }),
  })
  .meta({ id: 'HubKeys' })

/** The keys by which this hub speaks. */
export const hubKeyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/hub/keys',
    id: 'listHubKeys',
    tag: 'system',
    summary: 'The keys by which this hub has ever signed',
    sensitive: true,
    access: all('hub', 'get'),
    answers: { 200: { description: 'Oldest first.', schema: hubKeysSchema } },
    async handle(_input, _caller, { services }) {
      const { hubKeys } = services
      if (!hubKeys) throw new Problem('UNAVAILABLE')
      return json(200, shownKeys(await hubKeys.show()))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/hub/keys/rotate',
    id: 'rotateHubKey',
    tag: 'system',
    summary: 'Announce a new signing key; it signs once every cluster knows it, or now',
    access: all('hub', 'update'),
    body: z
      .strictObject({
        force: z.boolean().default(false).meta({ description: 'Sign with it now, whoever does not know it yet.' }),
      })
      .meta({ id: 'RotateHubKeyRequest' }),
    answers: { 200: { description: 'The keys.', schema: hubKeysSchema } },
    problems: ['HUB_KEY_ANNOUNCED'],
    async handle({ body }, caller, { services }) {
      const { hubKeys } = services
      if (!hubKeys) throw new Problem('UNAVAILABLE')
      const outcome = await hubKeys.rotate(caller.name, body.force)
      if (outcome.kind === 'waiting') {
        const { waitingFor } = outcome.shown
        const some = waitingFor.slice(0, 10).join(', ')
        const more = waitingFor.length > 10 ? ` and ${waitingFor.length - 10} more` : ''
        throw new Problem('HUB_KEY_ANNOUNCED', {
          detail: `These clusters do not know the announced key yet: ${some}${more}.`,
        })
      }
      return json(200, shownKeys(outcome.shown))
    },
  }),
]

function shownKeys({ keys, waitingFor }: HubKeysShown) {
  return { keys: keys.map(({ kid, since, state }) => ({ kid, since: isoTime(since), state })), waitingFor }
}
