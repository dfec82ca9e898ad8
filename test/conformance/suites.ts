import { appsetSuite } from './appset.ts'
import { healthSuite } from './health.ts'
import { rbacSuite } from './rbac.ts'
import type { Suite } from './suite.ts'
import { windowSuite } from './window.ts'

/** Every suite that `npm run conformance` knows, in the order of its report. Add yours here. */
export const SUITES: readonly Suite[] = [appsetSuite, healthSuite, rbacSuite, windowSuite]
