import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { nearest } from '@flotilla/core/text/nearest'
import { load } from 'js-yaml'
import { LOG_LEVELS, type LogLevel } from './json-log.ts'
import type { ClusterAccess } from './kubernetes/kube-config.ts'
import { parseAddress } from './metrics/serve-metrics.ts'
import { SYSTEM_NAMESPACE } from './records.ts'

/** Everything that can be set, exact. */
export interface AgentSettings {
  /** Name of the cluster, as messages call it; the hub knows it by the join token. */
  readonly name: string
  readonly access: ClusterAccess
  /** URL of the hub; default: the join token's. */
  readonly hub: string | undefined
  readonly joinToken: string | undefined
  /** For a join token for many: labels that this cluster proposes, as its name is proposed. */
  readonly labels: Readonly<Record<string, string>>
  /** PEM file of the certificates that may sign the hub's. */
  readonly hubCertificateAuthority: string | undefined
  readonly state: { readonly kind: 'folder'; readonly path: string } | { readonly kind: 'secrets' }
  readonly namespace: string
  readonly concurrency: number
  readonly logLevel: LogLevel
  /** Where figures for Prometheus are served; nowhere without it. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined
  /** Where a running agent listens for `agent plan`. */
  readonly controlSocket: string
}

export interface SettingsProblem {
  /** The setting as the user wrote it: `--log-level`, `FLOTILLA_LOG_LEVEL` or `agent.yaml: logLevel`. */
  readonly setting: string
  readonly message: string
}

/** Name in the file → what it is. Flag and variable follow from the name. */
const SETTINGS = {
  name: 'name of the cluster, for messages',
  kubeconfig: 'kubeconfig file; without it the Pod’s own account is used',
  context: 'context of the kubeconfig',
  hub: 'URL of the hub; default: the one in the join token',
  joinToken: 'join token (flj1.…); only needed until the agent was admitted',
  joinTokenFile: 'file that holds the join token',
  labels: 'labels to propose with a join token for many: site=store,region=eu',
  hubCertificateAuthority: 'PEM file of the certificates that may sign the hub’s',
  dataDirectory: 'folder of the agent’s state; without it Secrets of its namespace are used',
  namespace: `namespace of the agent’s records (default ${SYSTEM_NAMESPACE})`,
  concurrency: 'Applications looked at at the same time (default 4)',
  logLevel: `${LOG_LEVELS.join(', ')} (default info)`,
  metricsAddress: 'HOST:PORT at which figures for Prometheus are served, without any proof of who asks; off without it',
  controlSocket: 'path of the socket that "agent plan" uses',
} as const

/** Every flag of the agent, for the completion of shells. */
export const AGENT_FLAGS: readonly string[] = [...Object.keys(SETTINGS), 'config', 'print-config', 'help'].map(
  name => `--${kebab(name)}`,
)

type SettingName = keyof typeof SETTINGS
type Loose = { readonly [name in SettingName]?: { readonly value: string; readonly from: string } }

export interface SettingsInput {
  /** Arguments after the program's name. */
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

export type SettingsResult =
  | {
      readonly kind: 'settings'
      readonly settings: AgentSettings
      readonly printOnly: boolean
      readonly operands: readonly string[]
      readonly output: string
    }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'problems'; readonly problems: readonly SettingsProblem[] }

/** Reads flags, `FLOTILLA_…` variables and the file of `--config`, in this order of precedence. Every mistake is listed. */
export function readSettings({ argv, environment }: SettingsInput): SettingsResult {
  const problems: SettingsProblem[] = []
  let flags: ReturnType<typeof parseFlags>
  try {
    flags = parseFlags(argv)
  } catch (error) {
    // Node's own advice after the first sentence is about positionals, which mean nothing here.
    const [message = ''] = (error as Error).message.split(/\. To specify/)
    return { kind: 'problems', problems: [{ setting: 'command line', message: `${message}; try --help` }] }
  }
  if (flags.values['help']) return { kind: 'help', text: helpText() }
  const configPath = textOf(flags.values['config']) ?? environment['FLOTILLA_CONFIG']
  const loose: Loose = {
    ...(configPath === undefined ? {} : readFile(configPath, problems)),
    ...fromEnvironment(environment),
    ...fromFlags(flags.values),
  }
  const needsCluster =
    !['plan', 'rotate-key'].includes(flags.positionals[0] ?? '') && flags.values['print-config'] !== true
  const settings = compile(loose, environment, needsCluster, problems)
  if (problems.length > 0 || !settings) return { kind: 'problems', problems }
  const output = textOf(flags.values['output']) ?? 'text'
  return {
    kind: 'settings',
    settings,
    printOnly: flags.values['print-config'] === true,
    operands: flags.positionals,
    output,
  }
}

function parseFlags(argv: readonly string[]) {
  const names = Object.keys(SETTINGS).map(name => [kebab(name), { type: 'string' as const }] as const)
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...Object.fromEntries(names),
      config: { type: 'string', short: 'c' },
      output: { type: 'string', short: 'o' },
      'print-config': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function fromFlags(values: Readonly<Record<string, unknown>>): Loose {
  return collect(name => {
    const value = textOf(values[kebab(name)])
    return value === undefined ? undefined : { value, from: `--${kebab(name)}` }
  })
}

function fromEnvironment(environment: SettingsInput['environment']): Loose {
  return collect(name => {
    const variable = `FLOTILLA_${kebab(name).replaceAll('-', '_').toUpperCase()}`
    const value = environment[variable]
    return value === undefined || value === '' ? undefined : { value, from: variable }
  })
}

function readFile(path: string, problems: SettingsProblem[]): Loose {
  let document: unknown
  try {
    document = load(readFileSync(path, 'utf8'), { maxAliases: 0 })
  } catch (error) {
    problems.push({ setting: path, message: (error as Error).message })
    return {}
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    problems.push({ setting: path, message: 'is no mapping of settings' })
    return {}
  }
  const values = document as Readonly<Record<string, unknown>>
  for (const name of Object.keys(values)) {
    if (name in SETTINGS) continue
    const near = nearest(name, Object.keys(SETTINGS))
    problems.push({ setting: `${path}: ${name}`, message: `unknown setting${near ? `; did you mean "${near}"?` : ''}` })
  }
  return collect(name => {
    const value = values[name]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string' || typeof value === 'number')
      return { value: String(value), from: `${path}: ${name}` }
    problems.push({ setting: `${path}: ${name}`, message: 'is neither text nor a number' })
    return undefined
  })
}

function compile(
  loose: Loose,
  environment: SettingsInput['environment'],
  /** `plan` asks an agent that has one. */
  needsCluster: boolean,
  problems: SettingsProblem[],
): AgentSettings | undefined {
  const text = (name: SettingName) => loose[name]?.value
  const wrong = (name: SettingName, message: string) => {
    problems.push({ setting: loose[name]?.from ?? name, message })
  }
  const concurrency = Number(text('concurrency') ?? '4')
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64) {
    wrong('concurrency', 'is no whole number from 1 to 64')
  }
  const logLevel = LOG_LEVELS.find(level => level === (text('logLevel') ?? 'info'))
  if (!logLevel) wrong('logLevel', `is none of ${LOG_LEVELS.join(', ')}`)
  const hub = text('hub')
  if (hub !== undefined && !/^https?:\/\/[^/]/.test(hub)) wrong('hub', 'is no http or https URL')
  const kubeconfig = text('kubeconfig')
  const inCluster = environment['KUBERNETES_SERVICE_HOST'] !== undefined
  if (needsCluster && kubeconfig === undefined && !inCluster) {
    problems.push({ setting: 'kubeconfig', message: 'is missing, and this is no Pod of a cluster' })
  }
  const labels = readLabels(text('labels') ?? '')
  if (!labels) wrong('labels', 'are no key=value pairs with commas between them')
  const directory = text('dataDirectory')
  const joinToken = text('joinToken') ?? tokenFromFile(loose.joinTokenFile, problems)
  const address = text('metricsAddress')
  const metricsAddress = address === undefined ? undefined : parseAddress(address)
  if (address !== undefined && !metricsAddress) wrong('metricsAddress', 'is no HOST:PORT, such as 127.0.0.1:9464')
  if (problems.length > 0 || !logLevel || !labels) return undefined
  const context = text('context')
  return {
    name: text('name') ?? 'cluster',
    access:
      kubeconfig === undefined
        ? { kind: 'in-cluster' }
        : { kind: 'kubeconfig', path: kubeconfig, ...(context === undefined ? {} : { context }) },
    hub,
    joinToken,
    labels,
    hubCertificateAuthority: text('hubCertificateAuthority'),
    state: directory === undefined ? { kind: 'secrets' } : { kind: 'folder', path: directory },
    namespace: text('namespace') ?? SYSTEM_NAMESPACE,
    concurrency,
    logLevel,
    metricsAddress,
    controlSocket:
      text('controlSocket') ?? (directory === undefined ? '/tmp/flotilla-agent.sock' : `${directory}/agent.sock`),
  }
}

/** `site=store,region=eu`; undefined for text that is something else. */
function readLabels(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = text.split(',').filter(pair => pair.trim() !== '')
  if (!pairs.every(pair => /^[^=]+=[^=]*$/.test(pair))) return undefined
  return Object.fromEntries(pairs.map(pair => pair.split('=').map(part => part.trim())))
}

/** A file that is not there is no mistake: the token is only needed once, and Secrets are unmounted afterwards. */
function tokenFromFile(file: Loose['joinTokenFile'], problems: SettingsProblem[]): string | undefined {
  if (!file) return undefined
  try {
    return readFileSync(file.value, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    problems.push({ setting: file.from, message: (error as Error).message })
    return undefined
  }
}

/** The settings as `--print-config` shows them. */
export function maskedSettings(settings: AgentSettings): object {
  return { ...settings, joinToken: settings.joinToken === undefined ? undefined : 'flj1.… (masked)' }
}

function helpText(): string {
  const lines = Object.entries(SETTINGS).map(([name, meaning]) => `  --${kebab(name).padEnd(28)}${meaning}`)
  return [
    'agent [flags]                     runs the agent of one cluster',
    'agent plan APPLICATION [-o json]  prints what a sync would do now',
    'agent rotate-key                  gives the running agent another key',
    '',
    ...lines,
    `  --${'config, -c'.padEnd(28)}file with the same settings, in camelCase; variables: FLOTILLA_LOG_LEVEL …`,
    `  --${'print-config'.padEnd(28)}prints the settings in force and ends`,
  ].join('\n')
}

function collect(read: (name: SettingName) => { readonly value: string; readonly from: string } | undefined): Loose {
  const found: { [name in SettingName]?: { readonly value: string; readonly from: string } } = {}
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const value = read(name)
    if (value) found[name] = value
  }
  return found
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
