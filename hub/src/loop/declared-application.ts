import type { Application, ApplicationSpec } from '@flotilla/core/model/application'
import type { Declared } from '@flotilla/core/model/fleet'

/** The Application of a document that was written by hand. */
export function declaredApplication(document: Declared<ApplicationSpec>): Application {
  const { apiVersion, name, labels, annotations, finalizers, spec, source, position } = document
  return {
    apiVersion,
    kind: 'Application',
    metadata: { name, labels, annotations, finalizers },
    spec,
    provenance: { source, ...position },
  }
}
