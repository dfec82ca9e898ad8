import type { ApplicationView } from '@flotilla/core/view/application-view'
import { Problem } from '../api/problem.ts'
import type { Context } from '../api/route.ts'
import { applicationObject } from './objects.ts'
import type { Asker } from './rights.ts'
import { rightsOf } from './rights-of.ts'

/**
 * The Application of that name, for whom it may be done. The stored one is asked about, in the Project that it is in.
 *
 * @param resource What of it: itself, its `logs`.
 * @throws Problem `NOT_FOUND` when it is not there or may not be seen: the same bytes. `FORBIDDEN` when it may be seen.
 */
export function requireApplication(
  name: string,
  action: string,
  caller: Asker,
  context: Context,
  resource = 'applications',
): ApplicationView {
  const rights = rightsOf(caller, context)
  const view = context.services.view.application(name, context.now)
  // What is not there is asked about all the same: it takes as long.
  rights.require(action, applicationObject(view ?? { ...NOTHING, name }, resource))
  if (view === undefined) throw new Problem('NOT_FOUND')
  return view
}

/** The same as a question; undefined where there is nothing, or nothing to be seen. */
export function seenApplication(name: string, caller: Asker, context: Context): ApplicationView | undefined {
  const view = context.services.view.application(name, context.now)
  return view !== undefined && rightsOf(caller, context).visible.sees(view) ? view : undefined
}

/** Whether somebody sees an Application that the store may have forgotten: of one that is gone, who sees everything. */
export function seesApplicationNamed(name: string, caller: Asker, context: Context): boolean {
  const { visible } = rightsOf(caller, context)
  const view = context.services.view.application(name, context.now)
  return view === undefined ? visible.key === '*' : visible.sees(view)
}

const NOTHING = { project: '', labels: {}, cluster: '', environment: null }
