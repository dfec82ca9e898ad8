import type { ApplicationState } from './application-state.ts'
import type { Engine } from './engine.ts'

/** Tells the hub what became of a Grant; the same thing once. */
export async function settleGrant(
  { link }: Pick<Engine, 'link'>,
  state: ApplicationState,
  id: string,
  outcome: 'started' | 'refused' | 'lapsed',
  reason?: string,
): Promise<void> {
  const name = `${id} ${outcome}`
  if (state.settled.has(name)) return
  await link.settleGrant(id, outcome, reason)
  state.settled.add(name)
}
