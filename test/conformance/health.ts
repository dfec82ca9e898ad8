import { assessHealth } from '@flotilla/core/health/assess-health'
import { ruleKeyOf } from '@flotilla/core/health/find-rule'
import { HEALTH_RULES } from '@flotilla/core/health/registry'
import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'
import { brokenLaws } from './health-mutations.ts'
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

/** Argo's own tests run the kind's script alone, without the deletion step; so does this. */
function runCustomization(testCase: HealthCase): Outcome {
  const object = objectOf(testCase)
  const rule = HEALTH_RULES.find(ruleKeyOf(object))
  return rule ? compare(testCase, rule.assess(object, STRICT)) : failed('no rule')
}

function compare(testCase: HealthCase, actual: Health | null): Outcome {
  const { expectedStatus, expectedMessage } = testCase
  const message = actual?.message ?? ''
  const same = expectedStatus === (actual?.status ?? null) && (expectedMessage === null || expectedMessage === message)
  const broken = brokenLaws(objectOf(testCase))
  if (same) return broken.length === 0 ? PASSED : failed(broken.join('; '))
  return failed(`expected ${expectedStatus} ${JSON.stringify(expectedMessage)}\nbut was ${JSON.stringify(actual)}`)
}

function objectOf({ parsed }: HealthCase): KubernetesObject {
  return { ...parsed, metadata: parsed['metadata'] ?? {} } as unknown as KubernetesObject
}
