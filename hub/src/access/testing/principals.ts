import type { Principal } from '@flotilla/core/access/principal'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { TestApi } from '../../api/test-api.ts'
import { makeToken } from '../../api/tokens.ts'

let seed = 100

/** A token of whoever the policy knows by that name: a person with groups, a team's shared view, a role. */
export async function tokenOf(
  api: TestApi,
  principal: Principal,
  kind: 'person' | 'robot' = 'person',
): Promise<string> {
  seed += 1
  const name = principal.kind === 'person' ? principal.subject : principal.kind
  const { text, row } = makeToken(seededRandom(seed), { name, role: 'policy', kind, principal, now: api.clock.now() })
  await api.store.write(rows => rows.putToken(row))
  return text
}
