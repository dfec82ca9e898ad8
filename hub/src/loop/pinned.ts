import type { Application, ApplicationSource } from '@flotilla/core/model/application'
import type { Pause } from '@flotilla/core/model/pause'
import type { Pin } from '@flotilla/core/model/pin'
import type { BundleRow } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { LoopServices } from './services.ts'

/** The Application as its pin wants it: the source as it was then, at the pinned commit. What it is bound for stays. */
export function pinnedApplication(application: Application, pin: Pin | undefined): Application {
  if (!pin) return application
  const source = (pin.source as ApplicationSource | undefined) ?? sourcesOf(application)[0]
  if (!source) return application
  const { sources: _, ...spec } = application.spec
  return { ...application, spec: { ...spec, source: { ...source, targetRevision: pin.revision } } }
}

/** The pinned Bundle itself, while it is kept: also where what it was rendered from has moved since. */
export async function keptBundle(
  { digest, revision }: Pin,
  { store, bundles }: Pick<LoopServices, 'store' | 'bundles'>,
): Promise<
  | {
      readonly kind: 'rendered'
      readonly bundle: BundleRow
      readonly rendered: false
      readonly revision: string
      readonly renderKey: string
    }
  | undefined
> {
  if (digest === undefined) return undefined
  const bundle = await store.read(rows => rows.bundle(digest))
  if (!bundle || !(await bundles.has(digest))) return undefined
  return { kind: 'rendered', bundle, rendered: false, revision, renderKey: `pinned ${digest}` }
}

/** For people: who holds it to what. */
export function pinnedText({ by, revision, asked, until }: Pin): string {
  const what = asked === undefined ? revision.slice(0, 12) : `${asked} (${revision.slice(0, 12)})`
  const end = until === undefined ? '' : ` until ${isoTime(until)}`
  return `it is pinned to ${what} by ${by}${end}: nothing starts by itself; sync it by hand, or unpin it`
}

/** For people: who wants it left alone, why and until when. */
export function pausedText({ by, reason, until }: Pause): string {
  const end = until === undefined ? '' : ` until ${isoTime(until)}`
  const why = reason === '' ? '' : ` (${reason})`
  return `it is paused by ${by}${end}${why}: nothing starts by itself and nothing is healed; sync it by hand, or resume it`
}

export function unavailableText({ revision }: Pin): string {
  return `the pinned Bundle is not kept any more, and revision ${revision.slice(0, 12)} does not render to it again: pin it to another one, or unpin it`
}
