import { nearest } from '@flotilla/core/text/nearest'
import type { CalendarSetting } from '../gate-desk/calendar-desk.ts'
import type { SettingProblem } from './compile-hub-options.ts'
import { parsedJson } from './read-config-sources.ts'
import { readDuration } from './setting-readers.ts'

const KEYS = ['name', 'url', 'source', 'file', 'refresh']
const DAY_MS = 86_400_000
const DEFAULT_REFRESH_MS = 6 * 3_600_000
const readRefresh = readDuration(60_000, 30 * DAY_MS)

/** Reads `calendars`: iCalendars that freezes may name. What is refused is named by its field, never repeated. */
export function readCalendars(loose: unknown, refuse: (problem: SettingProblem) => void): readonly CalendarSetting[] {
  const field = 'calendars'
  if (loose === undefined) return []
  const list = typeof loose === 'string' ? parsedJson(loose) : loose
  if (!Array.isArray(list)) {
    refuse({ field, message: 'must be a list of calendars' })
    return []
  }
  const calendars = list.flatMap((entry: unknown, index) => readCalendar(entry, `${field}[${index}]`, refuse) ?? [])
  const seen = new Set<string>()
  for (const { name } of calendars) {
    if (seen.has(name)) refuse({ field, message: `has "${name}" twice` })
    seen.add(name)
  }
  return calendars
}

function readCalendar(
  entry: unknown,
  field: string,
  refuse: (problem: SettingProblem) => void,
): CalendarSetting | undefined {
  const given = (typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry : {}) as Readonly<
    Record<string, unknown>
  >
  let sound = true
  const wrong = (key: string, message: string, hint?: string): void => {
    sound = false
    refuse({ field: `${field}.${key}`, message, ...(hint !== undefined && { hint }) })
  }
  for (const key of Object.keys(given)) {
    if (KEYS.includes(key)) continue
    const near = nearest(key, KEYS)
    wrong(key, 'is not a field of a calendar', near === undefined ? undefined : `did you mean "${near}"?`)
  }
  const { name, url, source, file } = given
  if (typeof name !== 'string' || name === '') wrong('name', 'is needed: freezes name it in when[].calendar')
  const refresh = given['refresh'] === undefined ? { value: DEFAULT_REFRESH_MS } : readRefresh(given['refresh'])
  if ('rule' in refresh) wrong('refresh', refresh.rule)
  const byUrl = url !== undefined
  if (byUrl === (source !== undefined || file !== undefined)) {
    wrong('url', 'is needed, or source and file: one of the two')
  } else if (byUrl && !isHttpUrl(url)) {
    wrong('url', 'must be a URL of http or https, without a user')
  } else if (!byUrl) {
    if (typeof source !== 'string' || source === '') wrong('source', 'must be the name of a config source')
    if (typeof file !== 'string' || file === '') wrong('file', 'must be a path in that source')
  }
  if (!sound || 'rule' in refresh) return undefined
  return {
    name: String(name),
    from: byUrl ? { kind: 'url', url: String(url) } : { kind: 'file', source: String(source), path: String(file) },
    refreshMs: refresh.value,
  }
}

function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return ['http:', 'https:'].includes(protocol) && username + password === ''
}
