import type { Context } from '../api/route.ts'
import { AccessKeeper } from './access-keeper.ts'
import type { Asker, Rights } from './rights.ts'

const OF_CONTEXTS = new WeakMap<Context, Rights>()
/** For hubs that were given no policy: the built-in roles. */
const BUILT_IN = new AccessKeeper()

/** The caller's rights, one object for each request: what was asked during it is known at its end. */
export function rightsOf(caller: Asker, context: Context): Rights {
  const rights = rightsToAsk(caller, context)
  rights.handed = true
  return rights
}

/** The same, not yet given to who is to ask: withAccess.ts looks whether anybody took them. */
export function rightsToAsk(caller: Asker, context: Context): Rights {
  const known = OF_CONTEXTS.get(context)
  if (known !== undefined) return known
  const rights = freshRights(caller, context)
  OF_CONTEXTS.set(context, rights)
  return rights
}

/** The rights as they are now, by the newest policy: for what goes on after the request was answered. */
export function freshRights(caller: Asker, context: Context): Rights {
  const { services } = context
  const rights = (services.access ?? BUILT_IN).rightsOf(caller, services.clock.now())
  const team = OF_CONTEXTS.get(context)?.team
  if (team !== undefined) rights.narrowTo(team.team.name)
  return rights
}
