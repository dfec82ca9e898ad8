import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConformanceCase, failed, NOT_BUILT, type Outcome, type Suite } from './suite.ts'

export interface CaseResult {
  readonly id: string
  readonly operation: string
  readonly outcome: Outcome
}

export interface Counts {
  passed: number
  failed: number
  notApplicable: number
  /** Those of `notApplicable` whose reason is that they are not built yet. */
  notBuilt: number
}

/**
 * Where the cases are: `FLOTILLA_CASES`, else `shared/conformance` beside the checkout; undefined when that is not there.
 *
 * @throws Error when a folder is named that is not there: nothing checked must not look like nothing wrong.
 */
export function casesFolder(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment['FLOTILLA_CASES']
  if (named !== undefined && !existsSync(named)) throw new Error(`FLOTILLA_CASES names ${named}, which is not there`)
  const folder = named ?? join(import.meta.dirname, '../../../shared/conformance')
  return existsSync(folder) ? folder : undefined
}

/** Undefined when the folder has no file for this suite. @throws Error when it is not a list of cases. */
export function readCases(folder: string, suite: Suite): readonly ConformanceCase[] | undefined {
  if (!existsSync(join(folder, suite.file))) return undefined
  const document = JSON.parse(readFileSync(join(folder, suite.file), 'utf8')) as { cases?: readonly ConformanceCase[] }
  if (!Array.isArray(document.cases)) throw new Error(`${suite.file} holds no list "cases"`)
  return document.cases
}

export async function runSuite(suite: Suite, cases: readonly ConformanceCase[]): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const testCase of cases) {
    const operation = suite.operationOf(testCase)
    results.push({ id: testCase.id, operation, outcome: await runCase(suite, operation, testCase) })
  }
  return results
}

async function runCase(suite: Suite, operation: string, testCase: ConformanceCase): Promise<Outcome> {
  const run = Object.hasOwn(suite.operations, operation) ? suite.operations[operation] : undefined
  if (run) {
    try {
      return await run(testCase)
    } catch (error) {
      return failed(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }
  const reason = notApplicableReason(suite, operation)
  if (reason !== undefined) return { kind: 'not-applicable', reason }
  return failed(`suite ${suite.name} knows no operation "${operation}" and gives no reason why it would not apply`)
}

function notApplicableReason(suite: Suite, operation: string): string | undefined {
  for (const [pattern, reason] of Object.entries(suite.notApplicable)) {
    const matches = pattern.endsWith('*') ? operation.startsWith(pattern.slice(0, -1)) : operation === pattern
    if (matches) return reason
  }
  return undefined
}

export function countResults(results: readonly CaseResult[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, notApplicable: 0, notBuilt: 0 }
  for (const { outcome } of results) {
    if (outcome.kind === 'passed') counts.passed++
    else if (outcome.kind === 'failed') counts.failed++
    else {
      counts.notApplicable++
      if (outcome.reason.startsWith(NOT_BUILT)) counts.notBuilt++
    }
  }
  return counts
}
