import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import type { NumberNotation } from '../go-text.ts'
import type { EngineEnvironment } from '../inputs.ts'
import type { TemplateEngine } from './engine.ts'
import { fasttemplate } from './fasttemplate.ts'
import { createGoTemplate } from './go-template/go-template.ts'

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
    ] satisfies readonly EngineEntry[]
  ).map(entry => [entry.name, entry]),
)

/** The engine that a set asks for. */
export function engineEntryOf(spec: Pick<ApplicationSetSpec, 'goTemplate'>): EngineEntry {
  return ENGINES.get(spec.goTemplate === true ? 'goTemplate' : 'fasttemplate')!
}
