import type { ApplicationView } from '@flotilla/core/view/application-view'

/**
 * What one caller may see of the fleet, compiled once for whatever rights he has now. Lists, totals, pages, tags and
 * streams are made of what passes, so that nothing of the rest shows through.
 */
export interface VisibleSet {
  /** Equal where the same is seen by the same rules: pages are kept for all who have it. Another one when rights change. */
  readonly key: string
  readonly sees: (view: ApplicationView) => boolean
}

/** Of whoever has not said who he is. */
export const NOTHING_VISIBLE: VisibleSet = { key: '', sees: () => false }
/** Of whoever may see all. */
export const EVERYTHING_VISIBLE: VisibleSet = { key: '*', sees: () => true }
