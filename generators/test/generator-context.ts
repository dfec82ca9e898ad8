import type { JsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import type { TemplateEngine } from '../src/engines/engine.ts'
import { fasttemplate } from '../src/engines/fasttemplate.ts'
import type { GeneratorContext } from '../src/generators/generator.ts'
import { generatorsFor } from '../src/generators/registry.ts'
import type { Parameters } from '../src/inputs.ts'
import { entryTransformer } from '../src/transform.ts'

/** What generators see in a test; nested parameters come without a template engine, so texts stay as they are. */
export function contextOf(parts: Partial<GeneratorContext> & { readonly nested?: boolean } = {}): GeneratorContext {
  const { nested = false, ...rest } = parts
  return {
    set: {
      name: 'web',
      group: 'argoproj.io',
      project: 'default',
      trust: { kind: 'all' },
      numbers: 'go',
      fileGlobs: 'pathspec',
    },
    inputs: { clusters: [], projects: ['default'] },
    engine: nested ? VERBATIM : fasttemplate,
    meter: { remaining: 1e9 },
    registry: generatorsFor(rest.set?.group ?? 'argoproj.io'),
    depth: 0,
    ask: () => undefined,
    ...rest,
  }
}

/** {@link contextOf} for documents of our own group. */
export function ourContext(parts: Partial<GeneratorContext> & { readonly nested?: boolean } = {}): GeneratorContext {
  const set = { ...contextOf().set, group: 'flotilla.dev', numbers: 'plain', fileGlobs: 'doublestar' } as const
  return contextOf({ ...parts, set })
}

const VERBATIM: TemplateEngine = {
  name: 'verbatim',
  shape: 'nested',
  compile: template => template,
  preResolve: template => template,
}

/** Parameter sets of the entry in `yaml`, or `waiting`, or its failures as `path: message`. */
export function generate(
  yaml: string,
  context: GeneratorContext = contextOf(),
  parent: Parameters = {},
): readonly Parameters[] | 'waiting' | string {
  const { documents } = parseYamlDocuments(yaml, { file: 'entry.yaml' })
  return generateEntry(documents[0]!.value as JsonObject, context, parent)
}

/** {@link generate} for an entry that is a value. */
export function generateEntry(
  entry: JsonObject,
  context: GeneratorContext = contextOf(),
  parent: Parameters = {},
): readonly Parameters[] | 'waiting' | string {
  const transformed = entryTransformer(entry, context)(parent)
  if (transformed.kind === 'waiting') return 'waiting'
  if (transformed.kind === 'failed') {
    return transformed.failures.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n')
  }
  return transformed.results.flatMap(({ sets }) => sets.map(({ parameters }) => parameters))
}
