import { withoutCredentials } from '@flotilla/core/view/shown-url'
import { shownSource } from '../gate-desk/calendar-desk.ts'
import type { HubOptions } from './compile-hub-options.ts'
import type { ConfiguredHosts } from './read-hosts.ts'
import type { ConfiguredManagementCluster } from './read-management-cluster.ts'
import type { ConfiguredProvider, ConfiguredSignIn } from './read-sign-in.ts'
import { durationText } from './setting-readers.ts'

const MASKED = '(hidden)'

/** The options as `--print-config` shows them: in the words of hub.yaml, secrets masked. */
export function shownOptions(options: HubOptions): object {
  const { listen, tls } = options
  return {
    dataDirectory: options.dataDirectory,
    keyFile: options.keyFile,
    listen: `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`,
    ...(options.publicUrl !== undefined && { publicUrl: options.publicUrl }),
    ...(options.trustProxy !== undefined && { trustProxy: options.trustProxy }),
    tls: {
      mode: tls.kind,
      ...(tls.kind === 'own' && { names: tls.names }),
      ...(tls.kind === 'given' && { certificateFile: tls.certificateFile, privateKeyFile: tls.privateKeyFile }),
    },
    ...shownSignIn(options.signIn),
    polling: { interval: durationText(options.pollIntervalMs) },
    webhooks: {
      perMinute: options.webhooksPerMinute,
      ...(options.webhookSecret !== undefined && { secret: MASKED }),
      ...(options.webhookSecretFile !== undefined && { secretFile: options.webhookSecretFile }),
    },
    api: {
      requestsPerMinute: options.api.requestLimits.perPrincipal,
      requestsPerMinuteByAddress: options.api.requestLimits.perAddress,
      deniedPerMinuteByAddress: options.api.requestLimits.deniedPerAddress,
      allowedOrigins: options.api.allowedOrigins,
      maxWatchers: options.api.maxWatchers,
    },
    audit: {
      readsOneIn: options.api.auditedReads.oneIn,
      readsOneInOf: [...options.api.auditedReads.byRoute].map(([operation, oneIn]) => `${operation}=${oneIn}`),
      denialsPerMinute: options.api.denialsPerMinute,
    },
    tokens: { joinTokenLife: durationText(options.joinTokenLifeMs) },
    applicationSets: {
      ...(options.setPolicy.policy !== undefined && { policy: options.setPolicy.policy }),
      allowPolicyOverride: options.setPolicy.allowOverride,
      removalGrace: durationText(options.removalGraceMs),
    },
    log: { level: options.logLevel },
    git: { binary: options.gitBinary === false ? 'none' : options.gitBinary },
    notifications: { allowedNetworks: options.notificationNetworks },
    ...(options.tracingEndpoint !== undefined && { tracing: { endpoint: options.tracingEndpoint } }),
    ...(options.maxStoreBytes !== undefined && { store: { maxBytes: options.maxStoreBytes } }),
    configSources: options.configSources.map(({ repository, trust, ...source }) => ({
      ...source,
      repository: withoutCredentials(repository),
      trust: trust.kind === 'all' ? 'all' : { projects: trust.projects },
    })),
    ...shownHosts(options.hosts),
    ...(options.managementCluster !== undefined && { managementCluster: shownCluster(options.managementCluster) }),
    plugins: options.plugins.map(({ requestTimeoutMs, token, ...plugin }) => ({
      ...plugin,
      ...(token !== undefined && { token: MASKED }),
      requestTimeout: durationText(requestTimeoutMs),
    })),
    ...(options.gates.defaultTimeZone !== undefined && { gates: { timeZone: options.gates.defaultTimeZone } }),
    ...(options.access !== undefined && {
      access: {
        policy: options.access.rows.map(({ text }) => text).join('\n'),
        ...(options.access.defaultRole !== undefined && { defaultRole: options.access.defaultRole }),
        ...(options.access.admins !== undefined && { admins: options.access.admins }),
        ...(options.access.twoPersons === true && { twoPersons: true }),
      },
    }),
    globalProjects: options.gates.globalProjects ?? [],
    calendars: options.calendars.map(calendar => ({
      name: calendar.name,
      ...(calendar.from.kind === 'url'
        ? { url: shownSource(calendar) }
        : { source: calendar.from.source, file: calendar.from.path }),
      refresh: durationText(calendar.refreshMs),
    })),
    credentials: options.credentials.map(credential => ({
      ...credential,
      urls: credential.urls.map(withoutCredentials),
      ...(credential.password !== undefined && { password: MASKED }),
    })),
  }
}

function shownHosts({ secretsFolder, configMapsFolder, secrets, proxy, ...scm }: ConfiguredHosts): object {
  return {
    scm: { ...scm, ...(proxy !== undefined && { proxy: withoutCredentials(proxy) }) },
    ...(secretsFolder !== undefined && { secretsFolder }),
    ...(configMapsFolder !== undefined && { configMapsFolder }),
    secrets,
  }
}

function shownSignIn({ provider, accounts, sessions, anonymous }: ConfiguredSignIn): object {
  return {
    ...(provider !== undefined && { oidc: shownProvider(provider) }),
    signIn: {
      localAccounts: accounts.enabled,
      anonymous,
      failures: accounts.failures,
      failureWindow: durationText(accounts.failureWindowMs),
    },
    sessions: { idle: durationText(sessions.idleMs), life: durationText(sessions.lifeMs) },
    accounts: accounts.accounts.map(({ passwordHash, ...account }) => ({
      ...account,
      ...(passwordHash !== undefined && { passwordHash: MASKED }),
    })),
  }
}

function shownProvider({ clientSecret, clockSkewMs, ...provider }: ConfiguredProvider): object {
  return {
    ...provider,
    ...(clientSecret !== undefined && { clientSecret: MASKED }),
    clockSkew: durationText(clockSkewMs),
  }
}

function shownCluster({ kubeconfig, ...cluster }: ConfiguredManagementCluster): object {
  return kubeconfig === undefined ? { inCluster: true, ...cluster } : { kubeconfig, ...cluster }
}
