import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { Provenance } from '@flotilla/core/model/provenance'
import type { GeneratedDocument } from '@flotilla/generators/generated-documents'

/** An Application as `expand` prints it: the document, and where it comes from. */
export function itemJson({ apiVersion, kind, metadata, spec, provenance }: Application): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: metadata as unknown as JsonObject,
    spec: spec as unknown as JsonObject,
    provenance: provenanceJson(provenance),
  }
}

/** The same for another document that a set makes. */
export function documentJson({ document, provenance }: GeneratedDocument): JsonObject {
  return { ...document, provenance: provenanceJson(provenance) }
}

/** `Project/shop`. */
export function documentName({ document }: GeneratedDocument): string {
  const { kind, metadata } = document
  return `${String(kind)}/${isJsonObject(metadata) ? String(metadata['name']) : ''}`
}

function provenanceJson({ source, set, file, line, column, generator, element, params }: Provenance): JsonObject {
  return { ...(source === '' ? {} : { source }), set, file, line, column, generator, element, params }
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
