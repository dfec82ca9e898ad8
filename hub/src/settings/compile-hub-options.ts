import { isIP } from 'node:net'
import { join } from 'node:path'
import type { HubSetPolicy } from '@flotilla/core/decide/set-policy'
import { nearest } from '@flotilla/core/text/nearest'
import type { OwnPolicy } from '../access/access-keeper.ts'
import type { ReadSampling } from '../audit/record-reads.ts'
import type { CalendarSetting } from '../gate-desk/calendar-desk.ts'
import type { GateSettings } from '../gates/rules-in-force.ts'
import type { LogLevel } from '../log.ts'
import { ALL_FIELDS, HUB_SETTINGS, type Setting, type SettingField } from './hub-settings.ts'
import { readCalendars } from './read-calendars.ts'
import { type ConfiguredSource, readConfigSources } from './read-config-sources.ts'
import { type ConfiguredCredential, readCredentials } from './read-credentials.ts'
import { readGlobalProjects } from './read-global-projects.ts'
import { type ConfiguredHosts, compileHosts } from './read-hosts.ts'
import { type ConfiguredManagementCluster, compileManagementCluster } from './read-management-cluster.ts'
import { type ConfiguredPlugin, readPlugins } from './read-plugins.ts'
import { type ConfiguredSignIn, compileSignIn } from './read-sign-in.ts'
import { isLoopback, type ListenAddress, type Reading } from './setting-readers.ts'

/** A setting that cannot be: which field, and the rule that it breaks. */
export interface SettingProblem {
  /** `configSources[0].trust` */
  readonly field: string
  /** A sentence without its subject: `must be …`. */
  readonly message: string
  readonly hint?: string
}

export type TlsOptions =
  | { readonly kind: 'own'; readonly names: readonly string[] }
  | { readonly kind: 'given'; readonly certificateFile: string; readonly privateKeyFile: string }
  | { readonly kind: 'off' }

/** What people's API lets through. */
export interface ApiLimits {
  readonly requestLimits: {
    readonly perPrincipal: number
    readonly perAddress: number
    readonly deniedPerAddress: number
  }
  readonly allowedOrigins: readonly string[]
  readonly maxWatchers: number
  readonly auditedReads: ReadSampling
  readonly denialsPerMinute: number
}

/** Exactly how a hub is to run: nothing is left to be read, guessed or defaulted. */
export interface HubOptions {
  readonly dataDirectory: string
  readonly keyFile: string
  readonly listen: ListenAddress
  readonly publicUrl?: string
  readonly trustProxy?: string
  readonly tls: TlsOptions
  readonly configSources: readonly ConfiguredSource[]
  readonly credentials: readonly ConfiguredCredential[]
  readonly hosts: ConfiguredHosts
  readonly plugins: readonly ConfiguredPlugin[]
  readonly calendars: readonly CalendarSetting[]
  readonly gates: GateSettings
  /** Rights that do not depend on any document. */
  readonly access?: OwnPolicy
  readonly managementCluster?: ConfiguredManagementCluster
  readonly signIn: ConfiguredSignIn
  readonly pollIntervalMs: number
  readonly webhookSecret?: string
  readonly webhookSecretFile?: string
  readonly webhooksPerMinute: number
  readonly api: ApiLimits
  readonly joinTokenLifeMs: number
  readonly setPolicy: HubSetPolicy
  readonly removalGraceMs: number
  readonly logLevel: LogLevel
  readonly gitBinary: string | false
  readonly localRepositories: 'configured' | 'all'
  readonly notificationNetworks: readonly string[]
  readonly tracingEndpoint?: string
  readonly maxStoreBytes?: number
}

export type CompiledOptions =
  | { readonly kind: 'options'; readonly options: HubOptions }
  | { readonly kind: 'refused'; readonly problems: readonly SettingProblem[] }

/** Loose values by field (`tls.mode`), wherever they come from. */
export type LooseSettings = { readonly [field: string]: unknown }

/**
 * Loose settings → exact options, or every mistake at once, each naming its field and rule.
 *
 * @example
 * compileHubOptions({ 'polling.interval': '3m' }) // options.pollIntervalMs is 180000
 */
export function compileHubOptions(loose: LooseSettings): CompiledOptions {
  const problems: SettingProblem[] = []
  const refuse = (problem: SettingProblem): void => void problems.push(problem)
  for (const field of Object.keys(loose)) {
    if (ALL_FIELDS.includes(field)) continue
    if (ALL_FIELDS.some(known => known.startsWith(`${field}.`))) {
      refuse({ field, message: 'must be a map of settings' })
      continue
    }
    const near = nearest(field, ALL_FIELDS)
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` }
    refuse({ field, message: 'is not a setting of the hub', ...hint })
  }
  const get = reader(loose, refuse)

  const listen = get('listen')
  const publicUrl = get('publicUrl')
  const dataDirectory = get('dataDirectory') ?? ''
  const credentials = readCredentials(loose['credentials'], refuse)
  const hosts = compileHosts(
    {
      enabled: get('scm.enabled'),
      allowedProviders: get('scm.allowedProviders'),
      rootCAFile: get('scm.rootCAFile'),
      proxy: get('scm.proxy'),
      noProxy: get('scm.noProxy'),
      secretsFolder: get('secretsFolder'),
      configMapsFolder: get('configMapsFolder'),
    },
    loose['secrets'],
    refuse,
  )
  const plugins = readPlugins(loose['plugins'], refuse)
  const calendars = readCalendars(loose['calendars'], refuse)
  const globalProjects = readGlobalProjects(loose['globalProjects'], refuse)
  const timeZone = get('gates.timeZone')
  const ownRows = get('access.policy')
  const defaultRole = get('access.defaultRole')
  const admins = get('access.admins')
  const twoPersons = get('access.twoPersons') === 'true'
  const configSources = readConfigSources(loose['configSources'], refuse)
  configSources.forEach((source, index) => {
    const { credentials: wanted } = source
    if (wanted === undefined || credentials.some(({ name }) => name === wanted)) return
    refuse({ field: `configSources[${index}].credentials`, message: `names no credential: there is no "${wanted}"` })
  })
  calendars.forEach(({ from }, index) => {
    if (from.kind !== 'file' || configSources.some(({ name }) => name === from.source)) return
    refuse({ field: `calendars[${index}].source`, message: `names no config source: there is no "${from.source}"` })
  })
  const signIn = compileSignIn(
    {
      issuer: get('oidc.issuer'),
      clientId: get('oidc.clientId'),
      clientSecret: get('oidc.clientSecret'),
      clientSecretFile: get('oidc.clientSecretFile'),
      cliClientId: get('oidc.cliClientId'),
      audiences: get('oidc.audiences'),
      scopes: get('oidc.scopes'),
      groupsClaims: get('oidc.groupsClaims'),
      nameClaim: get('oidc.nameClaim'),
      userInfo: get('oidc.userInfo'),
      algorithms: get('oidc.algorithms'),
      clockSkewMs: get('oidc.clockSkew'),
      rootCAFile: get('oidc.rootCAFile'),
      localAccounts: get('signIn.localAccounts'),
      failures: get('signIn.failures'),
      failureWindowMs: get('signIn.failureWindow'),
      idleMs: get('sessions.idle'),
      lifeMs: get('sessions.life'),
      anonymous: get('signIn.anonymous'),
    },
    loose['accounts'],
    refuse,
  )
  const webhookSecret = get('webhooks.secret')
  const webhookSecretFile = get('webhooks.secretFile')
  if (webhookSecret !== undefined && webhookSecretFile !== undefined) {
    refuse({ field: 'webhooks.secret', message: 'cannot stand beside webhooks.secretFile' })
  }
  const managementCluster = compileManagementCluster(
    {
      kubeconfig: get('managementCluster.kubeconfig'),
      inCluster: get('managementCluster.inCluster'),
      context: get('managementCluster.context'),
      namespace: get('managementCluster.namespace'),
      projects: get('managementCluster.projects'),
    },
    refuse,
  )
  const tls = compileTls(get, listen, publicUrl, refuse)
  const keyFile = get('keyFile')
  const trustProxy = get('trustProxy')
  const maxStoreBytes = get('store.maxBytes')
  const notificationNetworks = get('notifications.allowedNetworks') ?? []
  const tracingEndpoint = get('tracing.endpoint')
  const gitBinary = get('git.binary')
  const localRepositories = get('git.localRepositories')
  const pollIntervalMs = get('polling.interval')
  const webhooksPerMinute = get('webhooks.perMinute')
  const perPrincipal = get('api.requestsPerMinute')
  const perAddress = get('api.requestsPerMinuteByAddress')
  const deniedPerAddress = get('api.deniedPerMinuteByAddress')
  const maxWatchers = get('api.maxWatchers')
  const allowedOrigins = get('api.allowedOrigins') ?? []
  const oneIn = get('audit.readsOneIn')
  const byRoute = get('audit.readsOneInOf')
  const denialsPerMinute = get('audit.denialsPerMinute')
  const joinTokenLifeMs = get('tokens.joinTokenLife')
  const policy = get('applicationSets.policy')
  const allowOverride = get('applicationSets.allowPolicyOverride') === 'true'
  const removalGraceMs = get('applicationSets.removalGrace')
  const logLevel = get('log.level')
  const complete =
    listen &&
    tls &&
    gitBinary &&
    localRepositories &&
    logLevel &&
    pollIntervalMs &&
    webhooksPerMinute &&
    perPrincipal &&
    perAddress &&
    deniedPerAddress &&
    maxWatchers &&
    oneIn !== undefined &&
    byRoute &&
    denialsPerMinute &&
    joinTokenLifeMs &&
    removalGraceMs !== undefined &&
    dataDirectory
  if (problems.length > 0 || !complete) return { kind: 'refused', problems }
  return {
    kind: 'options',
    options: {
      dataDirectory,
      keyFile: keyFile ?? join(dataDirectory, 'hub.key'),
      listen,
      ...(publicUrl !== undefined && { publicUrl }),
      ...(trustProxy !== undefined && { trustProxy }),
      tls,
      configSources,
      credentials,
      hosts,
      plugins,
      calendars,
      gates: { globalProjects, ...(timeZone !== undefined && { defaultTimeZone: timeZone }) },
      ...(((ownRows ?? defaultRole ?? admins) !== undefined || twoPersons) && {
        access: {
          rows: ownRows ?? [],
          ...(defaultRole !== undefined && { defaultRole }),
          ...(admins !== undefined && { admins }),
          ...(twoPersons && { twoPersons }),
        },
      }),
      ...(managementCluster !== undefined && { managementCluster }),
      signIn,
      pollIntervalMs,
      ...(webhookSecret !== undefined && { webhookSecret }),
      ...(webhookSecretFile !== undefined && { webhookSecretFile }),
      webhooksPerMinute,
      api: {
        requestLimits: { perPrincipal, perAddress, deniedPerAddress },
        ...{ allowedOrigins, maxWatchers, auditedReads: { oneIn, byRoute }, denialsPerMinute },
      },
      joinTokenLifeMs,
      setPolicy: { allowOverride, ...(policy !== undefined && { policy }) },
      removalGraceMs,
      logLevel,
      gitBinary: gitBinary === 'none' ? false : gitBinary,
      localRepositories,
      notificationNetworks,
      ...(tracingEndpoint !== undefined && { tracingEndpoint }),
      ...(maxStoreBytes !== undefined && { maxStoreBytes }),
    },
  }
}

type ValueOf<Field extends SettingField> = (typeof HUB_SETTINGS)[Field] extends Setting<infer T> ? T : never
type Get = <Field extends SettingField>(field: Field) => ValueOf<Field> | undefined

/** Reads each setting once: given, else its fallback; one that is not good is refused and then absent. */
function reader(loose: LooseSettings, refuse: (problem: SettingProblem) => void): Get {
  return field => {
    const { read, fallback }: Setting<unknown> = HUB_SETTINGS[field]
    const value = Object.hasOwn(loose, field) ? loose[field] : undefined
    if (value === undefined && fallback === undefined) return undefined
    const reading = read(value ?? fallback) as Reading<ValueOf<typeof field>>
    if ('value' in reading) return reading.value
    refuse({ field, message: reading.rule })
    return undefined
  }
}

function compileTls(
  get: Get,
  listen: ListenAddress | undefined,
  publicUrl: string | undefined,
  refuse: (problem: SettingProblem) => void,
): TlsOptions | undefined {
  const mode = get('tls.mode')
  const names = get('tls.names') ?? []
  const certificateFile = get('tls.certificateFile')
  const privateKeyFile = get('tls.privateKeyFile')
  if (mode !== 'given') {
    for (const [field, value] of Object.entries({
      'tls.certificateFile': certificateFile,
      'tls.privateKeyFile': privateKeyFile,
    })) {
      if (value !== undefined) refuse({ field, message: 'is for tls.mode given alone' })
    }
  }
  if (mode !== 'own' && names.length > 0) refuse({ field: 'tls.names', message: 'is for tls.mode own alone' })
  if (mode === 'off') {
    if (listen !== undefined && !isLoopback(listen.host)) {
      refuse({
        field: 'listen',
        message: 'must be an address of this machine alone, because tls.mode is off',
        hint: 'use 127.0.0.1 with a proxy in front, or tls.mode own',
      })
    }
    return { kind: 'off' }
  }
  if (publicUrl?.startsWith('http:')) {
    refuse({ field: 'publicUrl', message: 'must begin with https:// unless tls.mode is off' })
  }
  if (mode === 'given') {
    if (certificateFile === undefined) refuse({ field: 'tls.certificateFile', message: 'is needed for tls.mode given' })
    if (privateKeyFile === undefined) refuse({ field: 'tls.privateKeyFile', message: 'is needed for tls.mode given' })
    return certificateFile !== undefined && privateKeyFile !== undefined
      ? { kind: 'given', certificateFile, privateKeyFile }
      : undefined
  }
  if (mode === undefined) return undefined
  names.forEach((name, index) => {
    const good =
      isIP(name) !== 0 || /^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?$/i.test(name)
    if (!good) refuse({ field: `tls.names[${index}]`, message: 'must be a host name or an address' })
  })
  return { kind: 'own', names: ownNames(names, listen, publicUrl) }
}

/** This machine's own names, the address it listens on, and what people were told. */
function ownNames(
  names: readonly string[],
  listen: ListenAddress | undefined,
  publicUrl: string | undefined,
): readonly string[] {
  const told = publicUrl === undefined ? [] : [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')]
  const heard = listen === undefined || ['::', '0.0.0.0'].includes(listen.host) ? [] : [listen.host]
  return [...new Set(['localhost', '127.0.0.1', '::1', ...told, ...heard, ...names])]
}
