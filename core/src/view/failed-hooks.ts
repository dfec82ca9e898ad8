import { objectKeyText } from '../model/kubernetes-object.ts'
import type { ObjectResult, OperationReport } from '../protocol/report.ts'

/** Lists of Applications carry these: a few words of each, the rest is with the operation itself. */
const MOST_HOOKS = 3
const MOST_LINES = 10
const MOST_LINE = 300
/** Of a log, in a list of operations, in characters. */
const MOST_LISTED = 2_000

/** A hook that failed, and the last that it said. */
export interface FailedHookView {
  /** `batch/Job shop/migrate`. */
  readonly object: string
  readonly phase: string
  readonly message: string
  /** Why its container ended, as the cluster says it; empty where there was none. */
  readonly reason: string
  readonly exitCode: number | null
  readonly pod: string
  readonly lastLines: readonly string[]
}

/** The first hooks of an operation that failed, whether they are to be tried again or not. */
export function failedHooks({ results }: Pick<OperationReport, 'results'>): readonly FailedHookView[] {
  return results
    .filter(({ hook, log }) => log !== undefined || hook === 'Failed' || hook === 'Error')
    .slice(0, MOST_HOOKS)
    .map(({ key, phase, message, log }) => ({
      object: objectKeyText(key),
      phase,
      message: log?.message ?? message ?? log?.note ?? '',
      reason: log?.reason ?? '',
      exitCode: log?.exitCode ?? null,
      pod: log?.pod ?? '',
      lastLines: lastLines(log?.text ?? ''),
    }))
}

function lastLines(text: string): readonly string[] {
  if (text === '') return []
  return text
    .split('\n')
    .slice(-MOST_LINES)
    .map(line => (line.length > MOST_LINE ? `${line.slice(0, MOST_LINE)}…` : line))
}

/** Results as a list of operations shows them: of each log the end. */
export function withShortLogs(results: readonly ObjectResult[]): readonly ObjectResult[] {
  return results.map(result => {
    const { log } = result
    if (!log || log.text.length <= MOST_LISTED) return result
    return { ...result, log: { ...log, text: log.text.slice(-MOST_LISTED), cut: true } }
  })
}
