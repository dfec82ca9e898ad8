import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import type { EngineEnvironment } from '../inputs.ts'
import type { TemplateEngine } from './engine.ts'
import { fasttemplate } from './fasttemplate.ts'

/** How a set's engine is made from its options; absent while the engine is known and not built. */
export interface EngineEntry {
  readonly name: string
  /** @throws TemplateError for an option that the engine does not know. */
  readonly create?: (options: readonly string[], environment: EngineEnvironment | undefined) => TemplateEngine
}

/** Every template engine by name. */
export const ENGINES: ReadonlyMap<string, EngineEntry> = new Map<string, EngineEntry>(
  [{ name: 'fasttemplate', create: () => fasttemplate }, { name: 'goTemplate' }].map(entry => [entry.name, entry]),
)

/** The engine that a set asks for. */
export function engineEntryOf(spec: Pick<ApplicationSetSpec, 'goTemplate'>): EngineEntry {
  return ENGINES.get(spec.goTemplate === true ? 'goTemplate' : 'fasttemplate')!
}
