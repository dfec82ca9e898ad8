import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { maskSecret, SecretMarkers } from '@flotilla/core/diff/mask-secret'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { BundleStoreError } from '@flotilla/core/ports/bundle-store'
import type { OperationRow } from '@flotilla/core/ports/store'
import { findHistory, wasWhole } from '../../operations/find-history.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply } from '../route.ts'

/** The newest operation of an Application with a digest as people see it. */
export async function operationOfDigest(
  name: string,
  shown: string,
  succeeded: boolean,
  context: Context,
): Promise<OperationRow | undefined> {
  const { view, store } = context.services
  const id = view.applicationRow(name)?.id
  if (id === undefined) return undefined
  return await store.read(async rows =>
    findHistory(rows, id, async row => {
      const bundle = await rows.bundle(row.operation.digest)
      if (view.shownDigest(row.operation.digest, bundle?.holdsSecrets) !== shown) return false
      return !succeeded || (await wasWhole(rows, row))
    }),
  )
}

export interface ManifestsWanted {
  /** As history shows it; absent: what is wanted now. */
  readonly digest?: string | undefined
  /** The commit, or how it begins. */
  readonly revision?: string | undefined
}

/**
 * The exact manifests that an operation applied, Secrets masked.
 *
 * @throws Problem `NOT_RENDERED`, `NOT_FOUND`, `MANIFESTS_GONE`
 */
export async function manifestsOf(name: string, wanted: ManifestsWanted, context: Context): Promise<Reply> {
  const { view, store, bundles, actions } = context.services
  const row = view.applicationRow(name)
  if (row === undefined) throw new Problem('NOT_FOUND')
  const { digest: shown, revision } = wanted
  if (shown === undefined && revision === undefined) {
    const bytes = row.digest === undefined ? undefined : await bundles.get(row.digest)
    if (row.digest === undefined || bytes === undefined) {
      throw new Problem('NOT_RENDERED', row.hold === undefined ? {} : { detail: row.hold.reason })
    }
    const digest = view.shownDigest(row.digest, row.holdsSecrets)
    return answer(row.revision ?? null, digest, row.digest, bytes)
  }
  const found =
    shown !== undefined
      ? await operationOfDigest(name, shown, false, context)
      : await store.read(rows =>
          findHistory(rows, row.id, ({ operation }) => operation.revision.startsWith(revision ?? '')),
        )
  const isMeant = revision === undefined || found?.operation.revision.startsWith(revision)
  if (!found || !isMeant) throw new Problem('NOT_FOUND', { detail: 'the history has no such revision' })
  const { digest } = found.operation
  const stored = await store.read(rows => rows.bundle(digest))
  const bytes = (await kept(digest, context)) ?? (await actions.renderAgain?.(row.id, found))
  if (bytes === undefined) throw new Problem('MANIFESTS_GONE')
  return answer(found.operation.revision, view.shownDigest(digest, stored?.holdsSecrets), digest, bytes)
}

async function kept(digest: Digest, { services }: Context): Promise<Uint8Array | undefined> {
  try {
    return await services.bundles.get(digest)
  } catch (error) {
    if (!(error instanceof BundleStoreError)) throw error
    return undefined
  }
}

function answer(revision: string | null, shown: string | null, digest: Digest, bytes: Uint8Array): Reply {
  // One set of markers: equal values of several Secrets are seen to be equal, and nothing else is.
  const markers = new SecretMarkers()
  const items = decodeBundle(bytes, digest).objects.map(object => maskSecret(object, markers))
  return json(200, { revision, digest: shown, items })
}
