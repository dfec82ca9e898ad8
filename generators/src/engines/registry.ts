import { isJsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import type { NumberNotation } from '../go-text.ts'
import type { EngineEnvironment } from '../inputs.ts'
import type { TemplateEngine } from './engine.ts'
import { fasttemplate } from './fasttemplate.ts'
import { createGoTemplate } from './go-template/go-template.ts'
import { handlebars } from './handlebars/handlebars.ts'

/** How a set's engine is made from its options. */
export interface EngineEntry {
  readonly name: string
  /** @throws TemplateError for an option that the engine does not know. */
  create(
    options: readonly string[],
    environment: EngineEnvironment | undefined,
    /** How an engine that prints numbers does it; Go's way when it is left out. */
    numbers?: NumberNotation,
  ): TemplateEngine
}

/** Every template engine by name. */
export const ENGINES: ReadonlyMap<string, EngineEntry> = new Map<string, EngineEntry>(
  (
    [
      { name: 'fasttemplate', create: () => fasttemplate },
      {
        name: 'goTemplate',
        create: (options, environment, numbers) =>
          createGoTemplate({ options, environment, ...(numbers !== undefined && { numbers }) }),
      },
      { name: 'handlebars', create: () => handlebars },
    ] satisfies readonly EngineEntry[]
  ).map(entry => [entry.name, entry]),
)

/**
 * The engine that a set asks for: `goTemplate: true`, or under flotilla.dev `template: { engine: handlebars }`. A
 * loader has refused engines that there are not.
 */
export function engineEntryOf(
  spec: Pick<ApplicationSetSpec, 'goTemplate'> & Partial<Pick<ApplicationSetSpec, 'template'>>,
  group: ApiGroup = 'argoproj.io',
): EngineEntry {
  const named = group === 'flotilla.dev' && isJsonObject(spec.template) ? spec.template['engine'] : undefined
  const entry = typeof named === 'string' ? ENGINES.get(named) : undefined
  if (entry !== undefined) return entry
  return ENGINES.get(spec.goTemplate === true ? 'goTemplate' : 'fasttemplate')!
}
