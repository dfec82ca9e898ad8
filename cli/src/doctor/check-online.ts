import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { HubApi } from '../client/hub-api.ts'
import { VERSION } from '../version.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const SKEW_MS = 60_000
/** Named one by one up to here. */
const MOST_NAMED = 50

/** What a running hub says of itself, its sources, its repositories and its clusters. @throws CliError */
export async function checkHub(api: HubApi, url: string, clock: Clock): Promise<readonly Finding[]> {
  const version = await api.raw('version')
  const findings: Finding[] = []
  findings.push(...checkVersion(version, url), ...checkClock(version, url, clock))
  findings.push(...(await checkReadiness(api, url)))
  findings.push(...(await checkFleet(api)))
  findings.push(...(await checkSources(api)))
  findings.push(...(await checkClusters(api)))
  return findings
}

function checkVersion(response: HubResponse, url: string): readonly Finding[] {
  const theirs = textAt(bodyOf(response), 'version')
  if (theirs === VERSION) return [ok('hub', url, `it answers, version ${theirs}`)]
  return [
    warning(
      'hub',
      url,
      `its version is ${theirs || 'unknown'}, that of this command ${VERSION}`,
      'use the same version of both',
    ),
  ]
}

function checkClock({ headers }: HubResponse, url: string, clock: Clock): readonly Finding[] {
  const theirs = Date.parse(headers['date'] ?? '')
  if (Number.isNaN(theirs)) return []
  const apart = Math.round((clock.now() - theirs) / 1000)
  if (Math.abs(apart) * 1000 <= SKEW_MS) return [ok('clock', url, `it agrees with this machine (${apart} s)`)]
  return [warning('clock', url, `this machine is ${apart} s ahead of the hub`, 'have both keep time (NTP)')]
}

async function checkReadiness(api: HubApi, url: string): Promise<readonly Finding[]> {
  const answer = bodyOf(await api.raw('readyz'))
  const checks = listAt(answer, 'checks')
  const findings = checks.flatMap(check => {
    const [name, message] = [textAt(check, 'name'), textAt(check, 'message')]
    if (valueAt(check, 'ready') !== true)
      return [failed('ready', name, message || 'not ready', "look into the hub's log")]
    return message === '' ? [] : [warning('ready', name, message)]
  })
  return findings.length > 0 ? findings : [ok('ready', url, `${checks.length} checks are good`)]
}

async function checkFleet(api: HubApi): Promise<readonly Finding[]> {
  const recovery = await api.call('getRecovery', {})
  const state = textAt(recovery, 'state')
  if (state === 'behind') {
    const hint = 'look with "flotilla hub recover --show", then "flotilla hub recover"'
    return [failed('recovery', 'store', `STORE_BEHIND (${textAt(recovery, 'reason')}): the hub issues nothing`, hint)]
  }
  if (state === 'recovered') {
    const hint = 'look at the list with "flotilla hub recover --show", then "flotilla hub recover --acknowledge"'
    return [warning('recovery', 'store', 'recovered and not acknowledged: automated syncs wait', hint)]
  }
  return [ok('recovery', 'store', 'the hub knows all that it has issued')]
}

async function checkSources(api: HubApi): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const sources = (await api.list('listSources', {})).items
  for (const source of sources) {
    const name = textAt(source, 'name')
    const error = valueAt(source, 'error')
    const mistakes = listAt(source, 'diagnostics').filter(each => textAt(each, 'severity') === 'error').length
    if (isJsonObject(error))
      findings.push(
        failed('source', name, `${textAt(error, 'code')}: ${textAt(error, 'message')}`, `flotilla source get ${name}`),
      )
    else if (mistakes > 0)
      findings.push(
        warning(
          'source',
          name,
          `${mistakes} mistakes; what was good before stays in force`,
          `flotilla source get ${name}`,
        ),
      )
  }
  if (findings.length === 0) findings.push(ok('source', 'config sources', `${sources.length} are in force as written`))
  const repositories = (await api.list('listRepositories', {})).items
  const away = repositories.filter(row => isJsonObject(valueAt(row, 'error')))
  for (const row of away) {
    const error = valueAt(row, 'error')
    const hint = 'network, DNS, a wrong URL, or credentials of the hub'
    findings.push(
      failed('repository', textAt(row, 'url'), `${textAt(error, 'code')}: ${textAt(error, 'message')}`, hint),
    )
  }
  if (away.length === 0) findings.push(ok('repository', 'repositories', `${repositories.length} can be read`))
  return findings
}

async function checkClusters(api: HubApi): Promise<readonly Finding[]> {
  const clusters = (await api.list('listClusters', {})).items
  const findings = clusters.flatMap(cluster =>
    listAt(cluster, 'states')
      .filter(state => ['warning', 'bad'].includes(textAt(state, 'tone')) && textAt(state, 'code') !== 'HUB_BEHIND')
      .map(state => findingOf(cluster, state)),
  )
  const shown = findings.slice(0, MOST_NAMED)
  if (findings.length > shown.length)
    shown.push(warning('agent', 'clusters', `${findings.length - shown.length} more`, 'flotilla cluster list'))
  return shown.length > 0 ? shown : [ok('agent', 'clusters', `nothing is wrong with ${clusters.length}`)]
}

function findingOf(cluster: JsonObject, state: unknown): Finding {
  const code = textAt(state as JsonObject, 'code')
  const make = textAt(state as JsonObject, 'tone') === 'bad' ? failed : warning
  return make(
    'agent',
    textAt(cluster, 'name'),
    `${code}: ${textAt(state as JsonObject, 'meaning')}`,
    textAt(state as JsonObject, 'mend'),
  )
}

function bodyOf({ body }: HubResponse): JsonObject {
  try {
    const value = parseJson(Buffer.from(body).toString('utf8'))
    return isJsonObject(value) ? value : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
