import { getKey, isJsonObject, type JsonObject } from '../../json/json.ts'
import { parseDataRule } from '../data/parse-data-rule.ts'
import { ruleOf } from '../data/rule-of.ts'
import { type RuleTable, ruleTable } from '../find-rule.ts'
import type { CustomHealthRule } from '../health-rule.ts'
import type { CelExpressions } from './cel-rule.ts'

/** A rule of one's own, as it stands in a configuration. */
export type CustomRuleSource = {
  /** `group/Kind`, or `Kind` for the core group; `*` for any text. */
  readonly kind: string
  /** The rule looks at generations itself. */
  readonly ignoreGeneration?: boolean
} & (
  | { readonly lua: string }
  | { readonly cel: CelExpressions }
  | { readonly data: JsonObject }
  /** Objects of the kind have no health, whatever rule there is for it otherwise: nobody waits for them. */
  | { readonly none: true }
)

/** A rule that cannot be read; its kind keeps the rule that it has without it. */
export interface CustomRuleMistake {
  readonly kind: string
  readonly message: string
}

export interface CustomRules {
  readonly table: RuleTable<CustomHealthRule>
  readonly mistakes: readonly CustomRuleMistake[]
}

/**
 * Makes rules of data, scripts and expressions. Either language is loaded with its first rule, and not at all without one.
 *
 * @param now Milliseconds since 1970, for scripts that ask for the time.
 */
export async function loadCustomRules(sources: readonly CustomRuleSource[], now: () => number): Promise<CustomRules> {
  const rules: (readonly [string, CustomHealthRule])[] = []
  const mistakes: CustomRuleMistake[] = []
  for (const source of sources) {
    const { kind, ignoreGeneration = false } = source
    const rule = await readRule(source, now)
    if (typeof rule === 'string') mistakes.push({ kind, message: rule })
    else rules.push([kind, { ignoreGeneration, ...rule }])
  }
  return { table: ruleTable(rules), mistakes }
}

/** A status of an earlier generation says nothing of such a kind either. */
const NO_HEALTH: CustomHealthRule = { ignoreGeneration: true, assess: () => null }

async function readRule(source: CustomRuleSource, now: () => number): Promise<CustomHealthRule | string> {
  if ('none' in source) return NO_HEALTH
  if ('lua' in source) return luaRule(source.lua, now)
  return 'cel' in source ? celRule(source.cel) : dataRule(source.data, now)
}

function dataRule(document: JsonObject, now: () => number): CustomHealthRule | string {
  const parsed = parseDataRule(document)
  if (parsed.kind === 'mistakes') return parsed.mistakes.map(({ at, message }) => `${at} ${message}`).join('; ')
  const assess = ruleOf(parsed.rule)
  return { assess: object => assess(object, { now: now() }) }
}

async function luaRule(source: string, now: () => number): Promise<CustomHealthRule | string> {
  const { luaHealthRule, luaMistake } = await import('./lua-rule.ts')
  return luaMistake(source) ?? luaHealthRule(source, now)
}

async function celRule(expressions: CelExpressions): Promise<CustomHealthRule | string> {
  const { celHealthRule } = await import('./cel-rule.ts')
  return celHealthRule(expressions)
}

const PREFIX = 'resource.customizations.health.'

/**
 * The health scripts in the data of an `argocd-cm` ConfigMap, as they stand there: `resource.customizations.health.`
 * and then `<group>_<Kind>`, or the kind alone for the core group.
 */
export function argoHealthScripts(data: JsonObject): CustomRuleSource[] {
  return Object.keys(data)
    .sort()
    .flatMap(key => {
      const lua = getKey(data, key)
      if (!key.startsWith(PREFIX) || typeof lua !== 'string') return []
      return [{ kind: kindOfKey(key.slice(PREFIX.length)), lua }]
    })
}

/**
 * The same in the older form, one `resource.customizations` with `group/Kind: { health.lua: … }`, which is YAML.
 *
 * @param customizations That YAML as it was read.
 */
export function argoHealthScriptsOfMap(customizations: JsonObject): CustomRuleSource[] {
  return Object.keys(customizations)
    .sort()
    .flatMap(kind => {
      const entry = getKey(customizations, kind)
      const lua = isJsonObject(entry) ? getKey(entry, 'health.lua') : undefined
      return typeof lua === 'string' ? [{ kind, lua }] : []
    })
}

/** The kind that `<group>_<Kind>` names: a kind has no `_` in it and a group may. */
export function kindOfKey(key: string): string {
  const at = key.lastIndexOf('_')
  return at < 0 ? key : `${key.slice(0, at)}/${key.slice(at + 1)}`
}
