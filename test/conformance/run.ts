/**
 * `npm run conformance [-- --suite NAME] [--failed]`: the suites of suites.ts over the folder of cases.
 *
 * Exit 0 when nothing failed or when no cases are here, 1 when a case failed, 2 on wrong usage.
 */
import { parseArgs } from 'node:util'
import { type CaseResult, casesFolder, countResults, readCases, runSuite } from './run-suite.ts'
import { NOT_BUILT } from './suite.ts'
import { SUITES } from './suites.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) return 2
  const folder = options.folder
  if (folder === undefined) {
    console.log('conformance: no cases here (set FLOTILLA_CASES to their folder); nothing was checked')
    return 0
  }
  const summary: string[] = []
  let anyFailed = false
  for (const suite of options.suites) {
    const cases = readCases(folder, suite)
    if (cases === undefined) {
      console.log(`suite ${suite.name}: no ${suite.file} in ${folder}; nothing was checked`)
      continue
    }
    const results = await runSuite(suite, cases)
    if (!options.failedOnly) printOperations(suite.name, results)
    for (const { id, operation, outcome } of results) {
      if (outcome.kind === 'failed')
        console.log(`FAILED ${operation} ${id}\n  ${outcome.detail.replaceAll('\n', '\n  ')}`)
    }
    const counts = countResults(results)
    anyFailed ||= counts.failed > 0
    summary.push(
      `suite ${suite.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.notApplicable} not applicable`,
    )
  }
  for (const line of summary) console.log(line)
  return anyFailed ? 1 : 0
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { suite: { type: 'string', multiple: true }, failed: { type: 'boolean', default: false } },
    })
    const unknown = (values.suite ?? []).filter(name => !SUITES.some(suite => suite.name === name))
    if (unknown.length > 0) throw new Error(`no suite ${unknown.join(', ')}; there are: ${suiteNames()}`)
    const suites = values.suite ? SUITES.filter(suite => values.suite?.includes(suite.name)) : SUITES
    return { suites, failedOnly: values.failed, folder: casesFolder() }
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run conformance -- [--suite NAME]… [--failed]`)
    return undefined
  }
}

function suiteNames(): string {
  return SUITES.map(suite => suite.name).join(', ')
}

/** One line an operation, and under it how many cases were answered in which way, and why others were not run. */
function printOperations(suiteName: string, results: readonly CaseResult[]): void {
  console.log(`\n${suiteName}`)
  for (const [operation, group] of Map.groupBy(results, result => result.operation)) {
    const counts = countResults(group)
    const apart = counts.notBuilt > 0 ? ` (${counts.notBuilt} ${NOT_BUILT})` : ''
    console.log(
      `  ${operation}: ${counts.passed} passed, ${counts.failed} failed, ${counts.notApplicable} not applicable${apart}`,
    )
    const ways = group.flatMap(({ outcome }) => (outcome.kind === 'passed' ? (outcome.ways ?? []) : []))
    for (const [way, same] of Map.groupBy(ways, text => text)) {
      console.log(`    ${way}: ${same.length} of ${group.length}`)
    }
    const reasons = group.flatMap(({ outcome }) => (outcome.kind === 'not-applicable' ? [outcome.reason] : []))
    for (const [reason, same] of Map.groupBy(reasons, text => text)) console.log(`    ${same.length} × ${reason}`)
  }
}
