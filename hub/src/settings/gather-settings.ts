import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import { nearest } from '@flotilla/core/text/nearest'
import { parseYamlDocuments, type YamlDocument } from '@flotilla/core/yaml/parse-yaml'
import { compileHubOptions, type HubOptions, type LooseSettings, type SettingProblem } from './compile-hub-options.ts'
import { ALL_FIELDS, flagOf, LIST_FIELDS, variableOf } from './hub-settings.ts'

export interface SettingSources {
  /** hub.yaml, where there is one. */
  readonly file?: { readonly path: string; readonly text: string }
  /** The process's variables; those that do not begin with `FLOTILLA_` are not looked at. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What flags gave, by field: `{ 'tls.mode': 'off' }`. */
  readonly flags: Readonly<Record<string, unknown>>
}

/** A mistake with the place to mend it: `hub.yaml:3:7`, `FLOTILLA_TLS_MODE`, `--tls-mode`. */
export interface PlacedProblem extends SettingProblem {
  readonly at: string
}

export type GatheredOptions =
  | {
      readonly kind: 'options'
      readonly options: HubOptions
      readonly warnings: readonly PlacedProblem[]
      /** Where a setting was given; undefined for what nobody gave. */
      readonly originOf: (field: string) => string | undefined
    }
  | { readonly kind: 'refused'; readonly problems: readonly PlacedProblem[] }

/** Variables of the project that are no settings of the hub. */
const OTHER_VARIABLES = [
  'FLOTILLA_TOKEN',
  'FLOTILLA_HUB',
  'FLOTILLA_CONFIG',
  'FLOTILLA_CONTEXT',
  'FLOTILLA_CA_FILE',
  'FLOTILLA_CA_PIN',
  'FLOTILLA_SEED',
]

/** Flags win over variables, variables over the file, the file over what is the default. */
export function gatherSettings(sources: SettingSources): GatheredOptions {
  const file = sources.file === undefined ? undefined : readFile(sources.file)
  if (file !== undefined && file.problems.length > 0) return { kind: 'refused', problems: file.problems }
  const variables: Record<string, unknown> = {}
  for (const field of ALL_FIELDS) {
    const value = sources.environment[variableOf(field)]
    if (value !== undefined) variables[field] = value
  }
  const loose: LooseSettings = { ...file?.settings, ...variables, ...sources.flags }
  const at = (field: string): string => {
    const top = topFieldOf(field)
    if (Object.hasOwn(sources.flags, top)) return flagOf(top)
    if (Object.hasOwn(variables, top)) return variableOf(top)
    return file?.placeOf(field) ?? sources.file?.path ?? 'the settings'
  }
  const compiled = compileHubOptions(loose)
  if (compiled.kind === 'refused') {
    return { kind: 'refused', problems: compiled.problems.map(problem => ({ ...problem, at: at(problem.field) })) }
  }
  const originOf = (field: string): string | undefined => (Object.hasOwn(loose, field) ? at(field) : undefined)
  return { ...compiled, warnings: unknownVariables(sources.environment), originOf }
}

/** `hub.yaml:3:7 polling.interval must be …`, the hint on a line of its own. */
export function settingProblemText({ at, field, message, hint }: PlacedProblem): string {
  return `${at} ${field} ${message}${hint === undefined ? '' : `\n  hint: ${hint}`}`
}

function unknownVariables(environment: Readonly<Record<string, string | undefined>>): readonly PlacedProblem[] {
  const known = ALL_FIELDS.map(variableOf)
  return Object.keys(environment)
    .filter(name => name.startsWith('FLOTILLA_') && !known.includes(name) && !OTHER_VARIABLES.includes(name))
    .flatMap(name => {
      const near = nearest(name, known)
      // Others' variables may begin so too; only what was probably meant for us is mentioned.
      return near === undefined
        ? []
        : [{ at: name, field: name, message: 'is not a setting of the hub', hint: `did you mean "${near}"?` }]
    })
}

interface ReadFile {
  readonly settings: LooseSettings
  readonly problems: readonly PlacedProblem[]
  placeOf(field: string): string
}

function readFile({ path, text }: { readonly path: string; readonly text: string }): ReadFile {
  const { documents, diagnostics } = parseYamlDocuments(text, { file: path })
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(placedDiagnostic)
  const [document, second] = documents
  if (document === undefined) return { settings: {}, problems: errors, placeOf: () => path }
  const problems = [...errors]
  if (second !== undefined) {
    problems.push({ at: placeAt(second, []), field: 'the file', message: 'must be one document' })
  }
  if (!isJsonObject(document.value)) {
    problems.push({ at: placeAt(document, []), field: 'the file', message: 'must be a map of settings' })
    return { settings: {}, problems, placeOf: () => path }
  }
  return {
    settings: flatten(document.value),
    problems,
    placeOf: field => placeAt(document, pathOf(field)),
  }
}

function placedDiagnostic({ file, line, column, code, message, hint }: Diagnostic): PlacedProblem {
  return { at: `${file}:${line}:${column}`, field: code, message, ...(hint !== undefined && { hint }) }
}

function placeAt(document: YamlDocument, path: readonly (string | number)[]): string {
  const { file, line, column } = document.positionOf(path)
  return `${file}:${line}:${column}`
}

/** `{ tls: { mode: off } }` → `{ 'tls.mode': 'off' }`; the lists stay as they are. */
function flatten(value: JsonObject): LooseSettings {
  const flat: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value) as [string, Json][]) {
    // A line without a value is as if it were not there.
    if (member === null) continue
    if (!isJsonObject(member) || !ALL_FIELDS.some(field => field.startsWith(`${key}.`))) {
      flat[key] = member
      continue
    }
    for (const [inner, each] of Object.entries(member)) {
      // YAML reads a bare `off` as false; for a mode it is the word.
      if (each !== null) flat[`${key}.${inner}`] = key === 'tls' && inner === 'mode' && each === false ? 'off' : each
    }
  }
  return flat
}

/** `configSources[0].trust` → `configSources`. */
function topFieldOf(field: string): string {
  return LIST_FIELDS.find(list => field === list || field.startsWith(`${list}[`)) ?? field.replace(/\[.*$/s, '')
}

function pathOf(field: string): readonly (string | number)[] {
  return field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .map(part => (/^\d+$/.test(part) ? Number(part) : part))
}
