import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { OutputMeter, TemplateEngine } from '../engines/engine.ts'
import { TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { compileValue } from './compile-value.ts'

/** Argo CD's own: with it the deletion of an Application deletes its objects too. */
export const DEFAULT_FINALIZER = 'resources-finalizer.argocd.argoproj.io'

export interface ApplicationRenderer {
  /** @throws TemplateError */
  render(parameters: Parameters, meter: OutputMeter): JsonObject
}

/**
 * Renders an Application template (`{ metadata, spec, … }`) once for each parameter set (applicationsets.md 4.2).
 *
 * With an empty parameter set the template comes back as it is: not rendered, and without a default finalizer. Sets
 * of our own group are rendered all the same: an expression needs no parameter.
 *
 * @param defaultFinalizer Added when the rendered Application has none; undefined adds none.
 */
export function applicationRenderer(
  template: JsonObject | null,
  engine: TemplateEngine,
  defaultFinalizer: string | undefined,
): ApplicationRenderer {
  if (template === null) {
    return {
      render: () => {
        throw new TemplateError('TEMPLATE_INVALID', 'application template is empty')
      },
    }
  }
  const compiled = compileValue(template, engine)
  return {
    render: (parameters, meter) => {
      if (Object.keys(parameters).length === 0 && engine.typed === undefined) return template
      const rendered = compiled.render(parameters, meter) as JsonObject
      return defaultFinalizer === undefined ? rendered : withFinalizer(rendered, defaultFinalizer)
    },
  }
}

function withFinalizer(application: JsonObject, finalizer: string): JsonObject {
  const metadata: Json | undefined = application['metadata']
  const before: JsonObject = isJsonObject(metadata) ? metadata : {}
  const finalizers = before['finalizers']
  if (Array.isArray(finalizers) && finalizers.length > 0) return application
  return { ...application, metadata: { ...before, finalizers: [finalizer] } }
}
