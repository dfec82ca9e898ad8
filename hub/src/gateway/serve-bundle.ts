import type { Digest } from '@flotilla/core/json/canonical-json'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Store } from '@flotilla/core/ports/store'
import { notFound } from './respond.ts'

/**
 * `GET /agent/v1/bundles/:digest`: the bytes, for a cluster that holds a current document naming them. Unknown and
 * forbidden are one answer. A Bundle never changes, so the agent's side may keep it; nobody between may.
 */
export async function serveBundle(
  store: Store,
  bundles: BundleStore,
  clusterId: string,
  digest: string,
  /** Called when it may be fetched and cannot be read. */
  onMissing: (digest: Digest) => void = () => undefined,
): Promise<HubResponse> {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return notFound()
  const wanted = digest as Digest
  if (!(await store.read(rows => rows.offersDigest(clusterId, wanted)))) return notFound()
  const body = await bundles.get(wanted).catch(error => {
    onMissing(wanted)
    throw error
  })
  if (!body) {
    onMissing(wanted)
    return notFound()
  }
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'cache-control': 'private, immutable, max-age=31536000',
      etag: `"${wanted}"`,
    },
    body,
  }
}
