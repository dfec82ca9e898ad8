import { ALL_FIELDS, flagOf, HUB_SETTINGS, variableOf } from '@flotilla/hub/settings/hub-settings'
import { type Command, Option } from 'commander'

/** Adds one flag for each setting of the hub; what is wrong with a value is said with all other mistakes. */
export function addSettingFlags(command: Command): void {
  for (const field of ALL_FIELDS) {
    const { about, fallback }: { about: string; fallback?: unknown } = Object.hasOwn(HUB_SETTINGS, field)
      ? HUB_SETTINGS[field as keyof typeof HUB_SETTINGS]
      : { about: `${field} of hub.yaml, as JSON.` }
    const otherwise = fallback === undefined || Array.isArray(fallback) ? '' : `; else ${String(fallback)}`
    command.addOption(
      new Option(`${flagOf(field)} <value>`, `${about.replace(/\.$/, '')} (${variableOf(field)}${otherwise})`),
    )
  }
}

/** What flags gave, by field: `{ 'tls.mode': 'off' }`. */
export function givenSettings(command: Command): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = {}
  for (const field of ALL_FIELDS) {
    const option = command.options.find(({ long }) => long === flagOf(field))
    const value = option === undefined ? undefined : command.getOptionValue(option.attributeName())
    if (value !== undefined) given[field] = value
  }
  return given
}
