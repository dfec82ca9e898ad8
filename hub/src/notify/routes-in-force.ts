import { compilePattern, matcherOf } from '@flotilla/core/access/compile-pattern'
import type { Declared, Fleet } from '@flotilla/core/model/fleet'
import { type CompiledTrigger, compileTrigger, isSelected } from '@flotilla/core/notify/judge-trigger'
import type { NotificationRouteSpec } from '@flotilla/core/notify/route'
import type { ApplicationView } from '@flotilla/core/view/application-view'

/** A route ready to judge. */
export interface RouteInForce {
  readonly name: string
  readonly document: Declared<NotificationRouteSpec>
  readonly spec: NotificationRouteSpec
  readonly triggers: readonly CompiledTrigger[]
  /** Why it tells nothing, while that is so. */
  readonly trouble?: string
  /** Whether it may tell of this Application, and does. */
  readonly tellsOf: (app: ApplicationView) => boolean
  /** Whether it may tell of what concerns rules with these owners. */
  readonly tellsOwners: (owners: readonly string[] | undefined) => boolean
}

/** The routes of a fleet. A team's route sees what the team owns or watches, and nothing where there is no such team. */
export function routesOf(fleet: Pick<Fleet, 'notificationRoutes' | 'teams'>): readonly RouteInForce[] {
  return (fleet.notificationRoutes ?? []).map(document => {
    const { spec, name } = document
    const triggers = spec.triggers.map(compileTrigger).filter(trigger => typeof trigger !== 'string')
    const base = { name, document, spec, triggers }
    if (spec.team === undefined) {
      return { ...base, tellsOf: app => isSelected(spec.select, app), tellsOwners: () => true }
    }
    const { team: wanted } = spec
    const team = fleet.teams?.find(one => one.name === wanted)
    if (team === undefined) {
      return { ...base, trouble: `there is no Team "${wanted}"`, tellsOf: () => false, tellsOwners: () => false }
    }
    const { owns, watches } = team.spec as { readonly owns: readonly string[]; readonly watches: readonly string[] }
    const sees = [...owns, ...watches].map(pattern => matcherOf(compilePattern(pattern, 'wide')))
    return {
      ...base,
      tellsOf: app => sees.some(matches => matches(app.project)) && isSelected(spec.select, app),
      tellsOwners: owners => owners?.includes(wanted) === true,
    }
  })
}
