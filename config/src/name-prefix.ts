import type { Application } from '@flotilla/core/model/application'

/**
 * The name under which a document of a source with a `namePrefix` is known in the hub. Two merged installations may
 * both have an `ingress-nginx`.
 */
export function prefixedName(namePrefix: string | undefined, name: string): string {
  return `${namePrefix ?? ''}${name}`
}

/** A generated Application under its source's prefix. Declared ones have it already when `load` returns them. */
export function withNamePrefix(namePrefix: string | undefined, application: Application): Application {
  if (!namePrefix) return application
  const name = prefixedName(namePrefix, application.metadata.name)
  return { ...application, metadata: { ...application.metadata, name } }
}
