import type { JsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'

/** An Application as `expand` prints it: the document, and where it comes from. */
export function itemJson({ apiVersion, kind, metadata, spec, provenance }: Application): JsonObject {
  const { source, set, file, line, column, generator, element, params } = provenance
  return {
    apiVersion,
    kind,
    metadata: metadata as unknown as JsonObject,
    spec: spec as unknown as JsonObject,
    provenance: { ...(source === '' ? {} : { source }), set, file, line, column, generator, element, params },
  }
}

/** `eu-1`, or the server's URL where the destination names that. */
export function clusterText({ spec }: Application): string {
  return spec.destination.name ?? spec.destination.server ?? ''
}

/** `apps/web`, or what else the source names; of several, all. */
export function sourceText({ spec }: Application): string {
  const sources = spec.sources && spec.sources.length > 0 ? spec.sources : spec.source ? [spec.source] : []
  return sources.map(source => source.path ?? source.chart ?? source.ref ?? '.').join(', ')
}
