import { DUMP_SCHEMA, defineScalarTag, dump, type ScalarTagDefinition } from 'js-yaml'
import { type Json, type JsonObject, jsonObject } from '../json/json.ts'

const dumpedInteger = DUMP_SCHEMA.tags.find(
  (tag): tag is ScalarTagDefinition => tag.nodeKind === 'scalar' && tag.tagName === 'tag:yaml.org,2002:int',
)!

// Integers beyond 2^53 are bigints here, which js-yaml does not know; what it takes for an integer stays the same.
const SCHEMA = DUMP_SCHEMA.withTags(
  defineScalarTag('tag:yaml.org,2002:int', {
    ...dumpedInteger,
    identify: data => typeof data === 'bigint' || dumpedInteger.identify(data),
    represent: data => (typeof data === 'bigint' ? data.toString() : dumpedInteger.represent(data)),
  }),
)

/** YAML that every reader takes for the same value: what looks like a boolean or number in any of them is quoted. */
export function prettyYaml(value: Json): string {
  return dump(defined(value), { schema: SCHEMA, noRefs: true, lineWidth: -1, seqNoIndent: true })
}

/** Several documents, each behind its `---`. */
export function yamlDocuments(values: readonly Json[]): string {
  return values.map(value => `---\n${prettyYaml(value)}`).join('')
}

/** Members that are `undefined` are not there. */
function defined(value: Json): Json {
  if (Array.isArray(value)) return value.map(item => defined((item ?? null) as Json))
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value as JsonObject).filter(([, member]) => member !== undefined)
  return jsonObject(entries.map(([key, member]) => [key, defined(member as Json)] as const))
}
