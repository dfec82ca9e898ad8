import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { Recovery } from '@flotilla/hub/recovery/recovery'
import { readRecoveryList, readRecoveryProgress } from '@flotilla/hub/recovery/recovery-list'
import { readRecoveryState } from '@flotilla/hub/recovery/recovery-state'
import { openSqliteStore } from '@flotilla/hub/store/sqlite-store'
import { STORE_FILE } from '@flotilla/hub/store/store-files'
import type { HubApi } from '../client/hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { failure } from '../errors.ts'
import { printData } from '../output/data.ts'
import { printable } from '../output/table.ts'
import { describeFailure } from './describe-failure.ts'

type Format = 'table' | 'json' | 'yaml'

export interface RecoverWish {
  /** `show` changes nothing. */
  readonly what: 'show' | 'recover' | 'acknowledge'
  /** Digest of the list that is acknowledged; the one that is there now when absent. */
  readonly digest?: string
  /** Recovers also a hub that has not found out by itself that it is behind. */
  readonly force?: boolean
  readonly format: Format
}

/** Where a hub is recovered: a running one through its API, a stopped one in its folder. */
interface RecoveryDesk {
  show(): Promise<JsonObject>
  recover(): Promise<JsonObject>
  acknowledge(digest: string): Promise<JsonObject>
}

/** Recovers a running hub. @throws CliError */
export async function recoverOnline(api: HubApi, wish: RecoverWish, context: CliContext): Promise<ExitCode> {
  const desk: RecoveryDesk = {
    show: () => api.call('getRecovery', {}),
    recover: () => api.call('recoverHub', wish.force ? { query: { force: 'true' } } : {}),
    acknowledge: digest => api.call('acknowledgeRecovery', { body: { digest } }),
  }
  return await work(desk, wish, context)
}

/** Recovers a hub that does not run, by its folder. @throws CliError 1 when there is no store, or a hub has it open. */
export async function recoverFolder(data: string, wish: RecoverWish, context: CliContext): Promise<ExitCode> {
  if (!existsSync(join(data, STORE_FILE)))
    throw failure(`there is no store in ${data}`, 'give --data, or --hub for a hub that runs')
  const { clock } = context
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const log = { ...quiet, child: () => log }
  let store: Awaited<ReturnType<typeof openSqliteStore>>
  try {
    store = await openSqliteStore({ directory: data, clock, log })
  } catch (error) {
    const known = describeFailure(error)
    if (known === undefined) throw error
    throw failure(
      `nothing was done: ${known.message}`,
      'a hub that runs is recovered through its API: give --hub',
      error,
    )
  }
  try {
    const recovery = await Recovery.load({ store, clock, log })
    const shown = async (): Promise<JsonObject> => {
      const state = await store.read(rows => readRecoveryState(rows))
      const list = await store.read(rows => readRecoveryList(rows))
      const progress = await store.read(rows => readRecoveryProgress(rows))
      return {
        state: state.kind,
        since: state.kind === 'settled' ? null : isoTime(state.since),
        reason: state.kind === 'behind' ? state.reason : null,
        evidence: state.kind === 'behind' && state.evidence ? { ...state.evidence } : null,
        epoch: state.kind === 'behind' ? null : (state.epoch ?? null),
        progress: progress as unknown as Json,
        list: list as unknown as Json,
      }
    }
    return await work(
      {
        show: shown,
        recover: async () => {
          if (!recovery.behind && !wish.force) throw failure('the hub is not behind: there is nothing to recover')
          return { ...(await recovery.recover('flotilla hub recover')) }
        },
        acknowledge: async digest => {
          const answer = await recovery.acknowledge('flotilla hub recover', digest)
          if (answer.kind === 'changed') throw failure('the list is another one now; look at it again')
          if (answer.kind === 'nothing') throw failure('there is nothing to acknowledge')
          return await shown()
        },
      },
      wish,
      context,
    )
  } finally {
    await store.close()
  }
}

async function work(desk: RecoveryDesk, wish: RecoverWish, context: CliContext): Promise<ExitCode> {
  const { what, format } = wish
  if (what === 'recover') {
    const recovered = await desk.recover()
    const after = await desk.show()
    if (format !== 'table') printData(context, format, { recovered, ...after })
    else {
      const { epoch, clusters, joinTokens, tombstones, grants } = recovered
      context.stdout.write(
        `recovered: epoch ${epoch} for ${clusters} clusters; void are ${joinTokens} join tokens, ${tombstones} tombstones, ${grants} grants\n`,
      )
      show(after, context)
    }
    return 0
  }
  const before = await desk.show()
  if (what === 'acknowledge') {
    const shown = wish.digest ?? textAt(valueAt(before, 'list'), 'digest')
    const after = await desk.acknowledge(shown)
    if (format !== 'table') printData(context, format, after)
    else {
      context.stdout.write(`acknowledged ${shown}: automated syncs go on\n`)
      if (wish.digest === undefined) show(before, context)
    }
    return 0
  }
  if (format !== 'table') printData(context, format, before)
  else show(before, context)
  return textAt(before, 'state') === 'settled' ? 0 : 1
}

const NEXT: { readonly [state: string]: string | undefined } = {
  behind: 'nothing is issued; clusters keep what they have. Next: flotilla hub recover',
  recovered: 'no automated sync starts. When the list is right: flotilla hub recover --acknowledge DIGEST',
  settled: 'the hub trusts its store; there is nothing to do',
}

function show(recovery: JsonObject, context: CliContext): void {
  const say = (text: string): void => context.stdout.write(`${printable(text)}\n`)
  const state = textAt(recovery, 'state')
  const evidence = valueAt(recovery, 'evidence')
  const reason = textAt(recovery, 'reason')
  say(`state: ${state}${reason === '' ? '' : ` (${reason})`}: ${NEXT[state] ?? ''}`)
  if (isJsonObject(evidence)) {
    const who = textAt(evidence, 'clusterName') || textAt(evidence, 'cluster')
    say(`shown by ${who}: ${textAt(evidence, 'shown')}; the store knows ${textAt(evidence, 'known')}`)
  }
  const progress = valueAt(recovery, 'progress')
  for (const [field, what] of [
    ['unproved', 'have not shown what they hold'],
    ['unreported', 'have not reported yet'],
  ] as const) {
    const names = isJsonObject(progress) ? listAt(progress, field).map(String) : []
    if (names.length > 0 && state !== 'behind')
      say(`${names.length} clusters ${what}: ${names.slice(0, 20).join(', ')}`)
  }
  if (state === 'settled') return
  const list = valueAt(recovery, 'list')
  const clusters = isJsonObject(list) ? listAt(list, 'clusters') : []
  const interventions = isJsonObject(list) ? listAt(list, 'interventions') : []
  say(`\nclusters that the store remembers (${clusters.length}):`)
  for (const cluster of clusters) {
    const key = textAt(cluster, 'key')
    const rest = [
      `admission ${String(valueAt(cluster, 'admission'))}`,
      key === '' ? 'nobody is admitted' : `key ${key}`,
    ]
    say(`  ${textAt(cluster, 'name')}: ${rest.join(', ')}, ${String(valueAt(cluster, 'applications'))} applications`)
  }
  say(`interventions that the store remembers (${interventions.length}):`)
  for (const one of interventions) {
    const by = textAt(one, 'by')
    say(
      `  ${textAt(one, 'kind')} ${textAt(one, 'name')}: ${textAt(one, 'state')}${by === '' ? '' : `, by ${by}`} ${textAt(one, 'reason')}`,
    )
  }
  say(`digest of this list: ${textAt(list, 'digest')}`)
}
