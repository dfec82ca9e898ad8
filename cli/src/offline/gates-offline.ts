import { gateRules, gateTargets } from '@flotilla/config/gate-rules'
import { type CompiledRules, compileRules } from '@flotilla/core/gates/compile-rules'
import { decide } from '@flotilla/core/gates/decide'
import { instantOfPlace, parsePlace } from '@flotilla/core/gates/freeze-times'
import type { GateTarget } from '@flotilla/core/gates/rules'
import { TimeZone } from '@flotilla/core/gates/time-zone'
import { type TimelineInterval, timeline } from '@flotilla/core/gates/timeline'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { nearest } from '@flotilla/core/text/nearest'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { failure, usageError } from '../errors.ts'
import { expandOffline, type OfflineInput, readOfflineFleet } from './offline-fleet.ts'

/** A stretch, and the rules that hold the hub at its beginning. */
export interface ExplainedInterval extends TimelineInterval {
  readonly rules: readonly string[]
}

/** Applications with one and the same timeline. */
export interface SharedTimeline {
  readonly applications: readonly string[]
  readonly intervals: readonly ExplainedInterval[]
}

export interface OfflineGates {
  readonly rules: CompiledRules
  readonly applications: readonly GateTarget[]
  /** @throws CliError with the nearest name. */
  find(name: string): GateTarget
  /** The zone asked for, else the cluster's, else UTC. @throws CliError when there is no such zone. */
  zoneFor(application: GateTarget | undefined, wanted: string | undefined): TimeZone
  /** An instant, or a local time in `zone`; undefined when it is neither. */
  readTime(text: string, zone: TimeZone): EpochMs | undefined
  timelines(applications: readonly GateTarget[], from: EpochMs, to: EpochMs): readonly SharedTimeline[]
}

/** The gates of a config repository and the Applications under them, without a hub. @throws CliError */
export async function gatesOf(input: OfflineInput): Promise<OfflineGates> {
  const fleet = await readOfflineFleet(input)
  try {
    const expanded = await expandOffline(fleet)
    const rules = compileRules(gateRules(fleet.fleet, { declared: fleet.declaredGates }))
    const applications = expanded.applications.map(gateTargets(fleet.fleet))
    const errors = [...fleet.diagnostics, ...expanded.diagnostics].filter(
      ({ severity, code }) => severity === 'error' && !code.endsWith('_NOT_SUPPORTED_YET'),
    )
    return {
      rules,
      applications,
      find: name => {
        const found = applications.find(application => application.name === name)
        if (found !== undefined) return found
        const because = errors.slice(0, 10).map(formatDiagnostic).join('\n')
        const meant = nearest(
          name,
          applications.map(application => application.name),
        )
        throw failure(
          `there is no Application "${name}"${because === '' ? '' : `; these mistakes may be why:\n${because}`}`,
          meant === undefined ? 'flotilla expand PATH -o name lists them' : `did you mean "${meant}"?`,
        )
      },
      zoneFor: (application, wanted) => {
        if (wanted === undefined) return application === undefined ? TimeZone.utc : rules.zoneOf(application)
        const zone = TimeZone.find(wanted)
        if (zone === undefined) throw usageError(`--time-zone ${wanted} is not an IANA time zone such as Europe/Berlin`)
        return zone
      },
      readTime: (text, zone) => {
        const place = parsePlace(text)
        return place && instantOfPlace(place, zone, 'first')
      },
      timelines: (targets, from, to) => sharedTimelines(rules, targets, from, to),
    }
  } finally {
    await fleet.repositories.close()
  }
}

function sharedTimelines(
  rules: CompiledRules,
  applications: readonly GateTarget[],
  from: EpochMs,
  to: EpochMs,
): readonly SharedTimeline[] {
  const shared = new Map<
    string,
    { readonly applications: string[]; readonly intervals: readonly ExplainedInterval[] }
  >()
  for (const application of applications) {
    const intervals = timeline(rules, application, from, to).map(interval => {
      const { layers } = decide(rules, application, interval.from, { trigger: 'automated' })
      return { ...interval, rules: layers.flatMap(({ blockers }) => blockers.map(({ rule }) => rule)) }
    })
    const key = JSON.stringify(intervals)
    const known = shared.get(key)
    if (known === undefined) shared.set(key, { applications: [application.name], intervals })
    else known.applications.push(application.name)
  }
  return [...shared.values()]
}
