import type { CompiledTeam } from '@flotilla/core/access/teams'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { ActivityEntry } from '@flotilla/core/ports/store'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { FleetView } from '../api/fleet-view.ts'
import { EVERYTHING_VISIBLE } from '../api/visible-set.ts'
import { applicationObject } from './objects.ts'
import { isOf, type Rights } from './rights.ts'

/** An entry of the feed as somebody may read it: of the Applications that it is about, those that are his to see. */
export interface ActivityView {
  readonly id: string
  readonly at: string
  readonly kind: string | null
  readonly event: string
  readonly subject: string
  readonly by: string
  readonly message: string
  readonly applications: readonly { readonly name: string; readonly project: string; readonly cluster: string }[]
  readonly applicationsCut: number
  readonly detail: ActivityEntry['detail']
}

/** Undefined where nothing of it is to be seen. What is about no Application is for who may see the thing itself. */
export function seenActivity(entry: ActivityEntry, rights: Rights, view: FleetView): ActivityView | undefined {
  const everything = rights.visible.key === EVERYTHING_VISIBLE.key
  const { at, kind, event, subject, by, message, applications, applicationsCut, about, detail } = entry
  const seen = everything
    ? applications
    : applications.filter(each => {
        const known = view.application(each.name, 0)
        // What has its name now may be another one's.
        const facts =
          known?.project === each.project && known.cluster === each.cluster
            ? known
            : { ...each, labels: {}, environment: null }
        return rights.sees(applicationObject(facts))
      })
  const isAbout =
    about !== undefined && rights.sees(about) && (rights.team === undefined || isOfTeam(entry, rights.team))
  const shows = everything || seen.length > 0 || isAbout
  if (!shows) return undefined
  return {
    // Not its number: gaps would tell how much happens elsewhere.
    id: sha256(`${entry.sequence} ${at} ${event} ${subject}`).slice('sha256:'.length, 24),
    ...{ at: isoTime(at), kind: kind ?? null, event, subject, by, message, applications: seen, detail },
    applicationsCut: everything ? applicationsCut : 0,
  }
}

/** In a Team's view: what is about its Projects, a rule that it owns, or itself. */
function isOfTeam({ about, subject, detail }: ActivityEntry, team: CompiledTeam): boolean {
  const { name } = team.team
  const { owners } = detail
  return (
    (about?.project !== undefined && isOf(team, about.project)) ||
    (Array.isArray(owners) && owners.includes(name)) ||
    subject === `Team/${name}`
  )
}
