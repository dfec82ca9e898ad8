import { assessHealth } from '@flotilla/core/health/assess-health'
import { HEALTH_RULES } from '@flotilla/core/health/registry'
import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'
import { type ConformanceCase, failed, NOT_BUILT, notApplicable, type Outcome, PASSED, type Suite } from './suite.ts'

/** What the rows of health.json hold, as far as it is read here. */
interface HealthCase extends ConformanceCase {
  readonly chain: string
  readonly ruleDir: string
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
  const rule = HEALTH_RULES.get(testCase.ruleDir)
  if (!rule) return notApplicable(`${NOT_BUILT}: shipped rules of custom resources`)
  return compare(testCase, rule.assess(objectOf(testCase), STRICT))
}

function compare({ expectedStatus, expectedMessage }: HealthCase, actual: Health | null): Outcome {
  const message = actual?.message ?? ''
  const same = expectedStatus === (actual?.status ?? null) && (expectedMessage === null || expectedMessage === message)
  if (same) return PASSED
  return failed(`expected ${expectedStatus} ${JSON.stringify(expectedMessage)}\nbut was ${JSON.stringify(actual)}`)
}

function objectOf({ parsed }: HealthCase): KubernetesObject {
  return { ...parsed, metadata: parsed['metadata'] ?? {} } as unknown as KubernetesObject
}
