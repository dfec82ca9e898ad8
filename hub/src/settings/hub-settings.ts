import { SET_POLICIES } from '@flotilla/core/decide/set-policy'
import { LOG_LEVELS } from '../log.ts'
import { ALGORITHMS } from '../sign-in/verify-id-token.ts'
import { readPolicyRows } from './read-policy-rows.ts'
import {
  type Reader,
  readDuration,
  readListen,
  readNetworks,
  readOneOf,
  readOrigins,
  readProxies,
  readPublicUrl,
  readRates,
  readSomeOf,
  readSwitch,
  readText,
  readTexts,
  readTimeZone,
  readWhole,
} from './setting-readers.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

export interface Setting<T> {
  readonly read: Reader<T>
  /** As it would be written in hub.yaml; absent where there is none. */
  readonly fallback?: unknown
  readonly about: string
  /** Its value is shown to nobody. */
  readonly secret?: true
}

function setting<T>(read: Reader<T>, about: string, more: { fallback?: unknown; secret?: true } = {}): Setting<T> {
  return { read, about, ...more }
}

/**
 * Every plain setting of the hub, by its field in hub.yaml. The same name gives the variable
 * (`FLOTILLA_TLS_CERTIFICATE_FILE`) and the flag (`--tls-certificate-file`). The lists in {@link LIST_FIELDS} have
 * readers of their own.
 */
export const HUB_SETTINGS = {
  dataDirectory: setting(readText, 'The folder for everything the hub keeps.', { fallback: './flotilla-data' }),
  keyFile: setting(readText, 'The hub’s keys; hub.key in the data folder without it.'),
  listen: setting(readListen, 'Address and port.', { fallback: '0.0.0.0:8443' }),
  publicUrl: setting(readPublicUrl, 'The URL at which agents and people reach the hub.'),
  trustProxy: setting(readProxies, 'Addresses of proxies whose X-Forwarded-For is believed; loopback, or networks.'),
  'tls.mode': setting(
    readOneOf(['own', 'given', 'off']),
    'own: by the hub’s authority; given: your files; off: plain HTTP, on loopback only, behind a proxy.',
    { fallback: 'own' },
  ),
  'tls.names': setting(readTexts, 'Further host names and addresses of the own certificate.', { fallback: [] }),
  'tls.certificateFile': setting(readText, 'With mode given: certificate and chain, PEM.'),
  'tls.privateKeyFile': setting(readText, 'With mode given: its private key, PEM.'),
  'polling.interval': setting(readDuration(10_000, DAY_MS), 'How often repositories are looked at.', {
    fallback: '3m',
  }),
  'webhooks.secret': setting(readText, 'Wanted from webhooks.', { secret: true }),
  'webhooks.secretFile': setting(readText, 'A file with the secret that is wanted from webhooks.'),
  'webhooks.perMinute': setting(readWhole(1, 100_000), 'Webhooks listened to, by address.', { fallback: 60 }),
  'oidc.issuer': setting(readText, 'The identity provider that people sign in with: its issuer, letter by letter.'),
  'oidc.clientId': setting(readText, 'What the provider knows this hub as.'),
  'oidc.clientSecret': setting(readText, 'The secret of that client, where it has one.', { secret: true }),
  'oidc.clientSecretFile': setting(readText, 'A file with the secret of that client.'),
  'oidc.cliClientId': setting(readText, 'What the provider knows the command as: a client without a secret.'),
  'oidc.audiences': setting(readTexts, 'Clients whose id tokens are taken; those two without it.', { fallback: [] }),
  'oidc.scopes': setting(readTexts, 'What the provider is asked for.', {
    fallback: ['openid', 'profile', 'email', 'groups', 'offline_access'],
  }),
  'oidc.groupsClaims': setting(readTexts, 'Claims that hold groups, besides those that the policy names.', {
    fallback: [],
  }),
  'oidc.nameClaim': setting(
    readText,
    'The claim that people are called by; else the verified mail address, or the subject.',
  ),
  'oidc.userInfo': setting(readSwitch, 'Whether the user-info endpoint is asked as well, for groups.', {
    fallback: 'false',
  }),
  'oidc.algorithms': setting(readSomeOf(ALGORITHMS), 'Signatures of id tokens that are taken.', {
    fallback: [...ALGORITHMS],
  }),
  'oidc.clockSkew': setting(readDuration(0, 5 * MINUTE_MS), 'How far the provider’s clock may be off.', {
    fallback: '30s',
  }),
  'oidc.rootCAFile': setting(readText, 'PEM certificates that the provider may have, besides the machine’s.'),
  'signIn.localAccounts': setting(readSwitch, 'Whether accounts of this file count.', { fallback: 'true' }),
  'signIn.anonymous': setting(readSwitch, 'Whether who shows nothing has what the default role gives.', {
    fallback: 'false',
  }),
  'signIn.failures': setting(readWhole(1, 100), 'Wrong passwords after which an account has to wait.', { fallback: 5 }),
  'signIn.failureWindow': setting(readDuration(MINUTE_MS, DAY_MS), 'In how long, and how long it waits.', {
    fallback: '300s',
  }),
  'sessions.idle': setting(readDuration(MINUTE_MS, 30 * DAY_MS), 'A session ends after so long without a request.', {
    fallback: '8h',
  }),
  'sessions.life': setting(readDuration(MINUTE_MS, 90 * DAY_MS), 'A session ends so long after signing in.', {
    fallback: '24h',
  }),
  'api.requestsPerMinute': setting(readWhole(1, 10_000_000), 'Requests listened to, by whoever is known.', {
    fallback: 6_000,
  }),
  'api.requestsPerMinuteByAddress': setting(readWhole(1, 10_000_000), 'The same by address, whoever asks.', {
    fallback: 24_000,
  }),
  'api.deniedPerMinuteByAddress': setting(readWhole(1, 10_000_000), 'Requests of an address that prove no identity.', {
    fallback: 600,
  }),
  'api.allowedOrigins': setting(readOrigins, 'Origins whose pages may ask with a token; none by default.', {
    fallback: [],
  }),
  'api.maxWatchers': setting(readWhole(1, 1_000_000), 'Streams of changes at once.', { fallback: 2_000 }),
  'audit.readsOneIn': setting(
    readWhole(0, 1_000_000_000),
    'Of the reads of each token and route the audit log has the first and one in so many; 0: none, 1: all.',
    { fallback: 1_000 },
  ),
  'audit.readsOneInOf': setting(
    readRates,
    'The same for single operations: listApplications=100, getApplicationTree=1.',
    { fallback: [] },
  ),
  'audit.denialsPerMinute': setting(
    readWhole(1, 1_000_000),
    'Denials of one principal that are written down; then it has to wait, and the rest is one entry.',
    { fallback: 300 },
  ),
  'tokens.joinTokenLife': setting(readDuration(MINUTE_MS, 30 * DAY_MS), 'How long a join token is good.', {
    fallback: '24h',
  }),
  'applicationSets.policy': setting(
    readOneOf(SET_POLICIES),
    'What sets may do with what they generated; without it each decides (applicationsSync).',
  ),
  'applicationSets.allowPolicyOverride': setting(readSwitch, 'Whether a set’s own policy counts beside that one.', {
    fallback: 'false',
  }),
  'applicationSets.removalGrace': setting(
    readDuration(0, 30 * DAY_MS),
    'How long nobody must have wanted an Application before it is removed from its cluster.',
    { fallback: '10m' },
  ),
  'access.policy': setting(
    readPolicyRows,
    'Rows of a policy that count whatever documents say: who has role:admin from the beginning.',
  ),
  'access.admins': setting(
    readTexts,
    'Whom documents may make administrators, users and groups, and nobody else; whom they like without it.',
  ),
  'access.twoPersons': setting(
    readSwitch,
    'Whether documents make somebody an administrator who is not in access.admins only when two people who have signed in agree to it here.',
    { fallback: 'false' },
  ),
  'access.defaultRole': setting(readText, 'What everybody has who is known, where no document says it.'),
  'gates.timeZone': setting(
    readTimeZone,
    'The time zone of gates by the clocks of a Cluster that names none; UTC without it.',
  ),
  'log.level': setting(readOneOf(LOG_LEVELS), 'The least that is logged.', { fallback: 'info' }),
  'git.binary': setting(readText, 'The git program; "none" to do without.', { fallback: 'git' }),
  'git.localRepositories': setting(
    readOneOf(['configured', 'all']),
    'Repositories on this machine: only those that this file names, or all that documents name.',
    { fallback: 'configured' },
  ),
  secretsFolder: setting(readText, 'Secrets that documents name: <folder>/<name>/<key>, as Kubernetes mounts them.'),
  configMapsFolder: setting(readText, 'ConfigMaps that documents name: <folder>/<name>/<key>.'),
  'scm.enabled': setting(readSwitch, 'Whether documents may ask Git hosts (scmProvider, pullRequest).', {
    fallback: 'true',
  }),
  'scm.allowedProviders': setting(readTexts, 'Addresses of Git hosts that documents may name, letter by letter.', {
    fallback: [],
  }),
  'scm.rootCAFile': setting(readText, 'PEM certificates that Git hosts may have, besides the machine’s.'),
  'scm.proxy': setting(readText, 'The proxy towards Git hosts; without it HTTPS_PROXY and NO_PROXY count.'),
  'scm.noProxy': setting(readTexts, 'Hosts that are reached without scm.proxy.'),
  'managementCluster.kubeconfig': setting(
    readText,
    'A kubeconfig of the cluster whose resources decide on clusters (clusterDecisionResource).',
  ),
  'managementCluster.inCluster': setting(readSwitch, 'true: that cluster is the one that the hub runs in.'),
  'managementCluster.context': setting(readText, 'The kubeconfig’s context; its current one without it.'),
  'managementCluster.namespace': setting(readText, 'Where its ConfigMaps and resources are.', { fallback: 'argocd' }),
  'managementCluster.projects': setting(readTexts, 'Projects whose sets may ask it, or *.'),
  'notifications.allowedNetworks': setting(
    readNetworks,
    'Special networks (loopback, link-local, metadata) that notifications may be sent to all the same.',
    { fallback: [] },
  ),
  'tracing.endpoint': setting(
    readPublicUrl,
    'An OpenTelemetry collector (OTLP over HTTP) that gets traces; without it OTEL_EXPORTER_OTLP_ENDPOINT counts, without both nothing is traced.',
  ),
  'store.maxBytes': setting(readWhole(1024 * 1024, 2 ** 46, 'bytes'), 'The database grows no larger.'),
} as const satisfies { readonly [field: string]: Setting<unknown> }

export type SettingField = keyof typeof HUB_SETTINGS
export const LIST_FIELDS = [
  'configSources',
  'credentials',
  'secrets',
  'plugins',
  'calendars',
  'globalProjects',
  'accounts',
] as const
export const ALL_FIELDS: readonly string[] = [...Object.keys(HUB_SETTINGS), ...LIST_FIELDS]

/** `tls.certificateFile` → `FLOTILLA_TLS_CERTIFICATE_FILE` */
export function variableOf(field: string): string {
  return `FLOTILLA_${wordsOf(field).join('_').toUpperCase()}`
}

/** `tls.certificateFile` → `--tls-certificate-file` */
export function flagOf(field: string): string {
  return `--${wordsOf(field).join('-').toLowerCase()}`
}

/** `scm.rootCAFile` → scm, root, CA, File */
function wordsOf(field: string): readonly string[] {
  return field.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z\d]+/g) ?? []
}
