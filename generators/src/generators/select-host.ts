import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { RE2JS, RE2JSSyntaxException } from 're2js'
import { type Failure, TemplateError } from '../failure.ts'
import { goQuote } from '../go-text.ts'
import { EVERY_HOST, HOSTS_DISABLED, hostRefusal } from '../host-policy.ts'
import type { InputAnswer } from '../inputs.ts'
import { type GeneratorContext, invalidGenerator } from './generator.ts'

/** The provider that a generator asks, with its configuration as written. */
export interface SelectedHost<Provider extends string> {
  readonly provider: Provider
  readonly config: JsonObject
}

/**
 * The guards of generators that ask a Git host, in Argo CD's order: hosts may be asked at all, the first provider of
 * `providers` that is given counts, its address is allowed (applicationsets.md 9.7).
 *
 * @param none What is said when no provider is given.
 * @throws TemplateError
 */
export function selectHost<Provider extends string>(
  body: JsonObject,
  providers: readonly Provider[],
  context: GeneratorContext,
  none: string,
): SelectedHost<Provider> {
  const policy = context.inputs.hosts ?? EVERY_HOST
  if (!policy.enabled) {
    throw new TemplateError('HOST_FORBIDDEN', HOSTS_DISABLED, { hint: 'scm.enabled in hub.yaml turns them on' })
  }
  const provider = providers.find(name => body[name] !== undefined && body[name] !== null)
  if (provider === undefined) {
    throw new TemplateError('GENERATOR_INVALID', none, { hint: `there are ${providers.join(', ')}` })
  }
  const config = body[provider]
  if (!isJsonObject(config)) {
    throw new TemplateError('GENERATOR_INVALID', `${provider} is an object`, { path: [provider] })
  }
  const api = config['api'] ?? ''
  if (typeof api !== 'string')
    throw new TemplateError('GENERATOR_INVALID', 'api is a text', { path: [provider, 'api'] })
  const refusal = hostRefusal(policy, api, context.set.trust)
  if (refusal === undefined) return { provider, config }
  const hint = 'scm.allowedProviders in hub.yaml lists the addresses that documents may name'
  throw new TemplateError('HOST_FORBIDDEN', refusal, { path: [provider, 'api'], hint })
}

/** Decides whether a text holds what a pattern describes, anywhere in it. */
export type Pattern = (text: string) => boolean

/** A longer pattern is refused: people write some dozen characters. */
const MOST_PATTERN = 1000
/** Of a text that a host gave: titles and branch names are shorter. */
const MOST_TEXT = 10_000

/**
 * The regular expressions of a filter, by field: Go's syntax (RE2), searched for anywhere in the text. RE2 looks at
 * each character a bounded number of times, so that no pattern of a document takes the hub's time.
 *
 * @throws TemplateError `error compiling BranchMatch regexp "(": …`
 */
export function readPattern(filter: JsonObject, field: string, path: Failure['path']): Pattern | undefined {
  const source = filter[field]
  if (source === undefined || source === null) return undefined
  const at = [...path, field]
  if (typeof source !== 'string') throw new TemplateError('GENERATOR_INVALID', `${field} is a text`, { path: at })
  const compiling = `error compiling ${field[0]!.toUpperCase()}${field.slice(1)} regexp ${goQuote(source)}: `
  if (source.length > MOST_PATTERN) {
    throw new TemplateError('PATTERN_INVALID', `${compiling}more than ${MOST_PATTERN} characters`, { path: at })
  }
  try {
    const pattern = RE2JS.compile(source)
    return text => pattern.matcher(text.slice(0, MOST_TEXT)).find()
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    const hint = 'regular expressions are those of Go (RE2): no look-around, no back-references'
    throw new TemplateError('PATTERN_INVALID', compiling + error.message, { path: at, hint })
  }
}

/** `filters` of a generator: a list of objects. @throws TemplateError */
export function readFilters<Filter>(
  filters: Json | undefined,
  read: (filter: JsonObject, path: Failure['path']) => Filter,
): readonly Filter[] {
  if (filters === undefined || filters === null) return []
  if (!Array.isArray(filters)) throw new TemplateError('GENERATOR_INVALID', 'filters is a list', { path: ['filters'] })
  return filters.map((filter: Json, index) => {
    const path = ['filters', index]
    if (!isJsonObject(filter)) throw new TemplateError('GENERATOR_INVALID', 'a filter is an object', { path })
    return read(filter, path)
  })
}

/** A list of texts of a document; undefined when it is absent. @throws TemplateError */
export function readTexts(body: JsonObject, field: string, path: Failure['path'] = []): readonly string[] | undefined {
  const value = body[field]
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value as readonly string[]
  throw new TemplateError('GENERATOR_INVALID', `${field} is a list of texts`, { path: [...path, field] })
}

/** What the host could not answer, as a failure of the generator. */
export function hostFailure(answer: InputAnswer, prefix: string): Failure {
  if (answer.kind !== 'failed') return invalidGenerator(`${prefix}the answer is ${answer.kind}`, [])
  return { code: answer.code, message: prefix + answer.message, path: [] }
}

/** The first characters of a commit, as many as there are. */
export function shortSha(sha: string, length: 7 | 8): string {
  return sha.slice(0, length)
}
