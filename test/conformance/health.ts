import { assessHealth } from '@flotilla/core/health/assess-health'
import { luaHealthRule } from '@flotilla/core/health/custom/lua-rule'
import type { DataRule } from '@flotilla/core/health/data/data-rule'
import { type RuleTable, ruleKeyOf, ruleTable } from '@flotilla/core/health/find-rule'
import type { CustomHealthRule } from '@flotilla/core/health/health-rule'
import { HEALTH_RULES } from '@flotilla/core/health/registry'
import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'
import { brokenLaws } from './health-mutations.ts'
import { luaOfRule } from './lua-of-rule.ts'
import { type ConformanceCase, failed, type Outcome, type Suite } from './suite.ts'

/** What the rows of health.json hold, as far as it is read here. */
interface HealthCase extends ConformanceCase {
  readonly chain: string
  readonly parsed: JsonObject
  /** Null: the object has no health. */
  readonly expectedStatus: string | null
  /** Null: the message is not compared. */
  readonly expectedMessage: string | null
}

/** Live object → status and message, in the strict reading of Argo CD. */
export const healthSuite: Suite = {
  name: 'health',
  file: 'health.json',
  operationOf: testCase => (testCase as HealthCase).chain,
  operations: {
    builtin: testCase => runBuiltIn(testCase as HealthCase),
    customization: testCase => runCustomization(testCase as HealthCase),
  },
  notApplicable: {},
}

const STRICT = { strictArgo: true }
/** Some rules forgive what is new; the objects of the cases are not. */
const NOW = Date.UTC(2026, 0, 1)

const BY_DATA = 'by rules as data'
const BY_CODE = 'by rules as code'
const BY_LUA = 'by the same rule as Lua'

function runBuiltIn(testCase: HealthCase): Outcome {
  const object = objectOf(testCase)
  return outcomeOf([
    ...difference(testCase, assessHealth(object, STRICT)),
    ...brokenLaws('the rule', live => assessHealth(live), object),
  ])
}

/**
 * Argo's own tests run the kind's script alone, without the deletion step; so does this. What is a rule of data is run
 * a second time as the script that it would be.
 */
function runCustomization(testCase: HealthCase): Outcome {
  const object = objectOf(testCase)
  const key = ruleKeyOf(object)
  const rule = HEALTH_RULES.find(key)
  if (!rule) return failed('no rule')
  const wrong = [
    ...difference(testCase, rule.assess(object, { ...STRICT, now: NOW })),
    ...brokenLaws('the rule', live => assessHealth(live, { now: NOW }), object),
  ]
  if (!rule.data) return outcomeOf(wrong, [BY_CODE])
  const script = scriptOf(rule.data)
  const custom: RuleTable<CustomHealthRule> = ruleTable([[key, script]])
  const wrongAsLua = [
    ...difference(testCase, script.assess(object) ?? null),
    ...brokenLaws('the script', live => assessHealth(live, { now: NOW, custom }), object),
  ].map(sentence => `as Lua: ${sentence}`)
  return outcomeOf([...wrong, ...wrongAsLua], [BY_DATA, BY_LUA])
}

const scripts = new Map<DataRule, CustomHealthRule>()

function scriptOf(data: DataRule): CustomHealthRule {
  const known = scripts.get(data) ?? luaHealthRule(luaOfRule(data), () => NOW)
  scripts.set(data, known)
  return known
}

function outcomeOf(wrong: readonly string[], ways: readonly string[] = []): Outcome {
  return wrong.length > 0 ? failed(wrong.join('\n')) : { kind: 'passed', ways }
}

function difference({ expectedStatus, expectedMessage }: HealthCase, actual: Health | null): readonly string[] {
  const message = actual?.message ?? ''
  const same = expectedStatus === (actual?.status ?? null) && (expectedMessage === null || expectedMessage === message)
  return same
    ? []
    : [`expected ${expectedStatus} ${JSON.stringify(expectedMessage)}\nbut was ${JSON.stringify(actual)}`]
}

function objectOf({ parsed }: HealthCase): KubernetesObject {
  return { ...parsed, metadata: parsed['metadata'] ?? {} } as unknown as KubernetesObject
}
