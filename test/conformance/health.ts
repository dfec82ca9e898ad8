import { assessHealth } from '@flotilla/core/health/assess-health'
import { luaHealthRule } from '@flotilla/core/health/custom/lua-rule'
import { ruleKeyOf, ruleTable } from '@flotilla/core/health/find-rule'
import { HEALTH_RULES } from '@flotilla/core/health/registry'
import { SHIPPED_RULES } from '@flotilla/core/health/rules/shipped-rules'
import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'
import { brokenLaws } from './health-mutations.ts'
import { luaOfRule } from './lua-of-rule.ts'
import { type ConformanceCase, failed, type Outcome, PASSED, type Suite } from './suite.ts'

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
    builtin: testCase => compare(testCase as HealthCase, assessHealth(objectOf(testCase as HealthCase), STRICT)),
    customization: testCase => runCustomization(testCase as HealthCase),
  },
  notApplicable: {},
}

const STRICT = { strictArgo: true }

/**
 * Argo's own tests run the kind's script alone, without the deletion step; so does this. What is a rule of data is run
 * a second time as the script that it would be.
 */
function runCustomization(testCase: HealthCase): Outcome {
  const object = objectOf(testCase)
  const key = ruleKeyOf(object)
  const rule = HEALTH_RULES.find(key)
  if (!rule) return failed('no rule')
  const outcome = compare(testCase, rule.assess(object, STRICT))
  const data = SHIPPED.find(key)?.data
  if (outcome.kind !== 'passed' || !data) return outcome
  const told = luaHealthRule(luaOfRule(data), () => 0).assess(object) ?? null
  return says(testCase, told) ? PASSED : failed(`as a script: ${JSON.stringify(told)}`)
}

const SHIPPED = ruleTable(SHIPPED_RULES.flatMap(rule => rule.kinds.map(kind => [kind, rule] as const)))

function compare(testCase: HealthCase, actual: Health | null): Outcome {
  const { expectedStatus, expectedMessage } = testCase
  const broken = brokenLaws(objectOf(testCase))
  if (says(testCase, actual)) return broken.length === 0 ? PASSED : failed(broken.join('; '))
  return failed(`expected ${expectedStatus} ${JSON.stringify(expectedMessage)}\nbut was ${JSON.stringify(actual)}`)
}

function says({ expectedStatus, expectedMessage }: HealthCase, actual: Health | null): boolean {
  const message = actual?.message ?? ''
  return expectedStatus === (actual?.status ?? null) && (expectedMessage === null || expectedMessage === message)
}

function objectOf({ parsed }: HealthCase): KubernetesObject {
  return { ...parsed, metadata: parsed['metadata'] ?? {} } as unknown as KubernetesObject
}
