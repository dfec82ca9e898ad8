import { resolve } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { createLog } from '@flotilla/hub/log'
import type { HubOptions } from '@flotilla/hub/settings/compile-hub-options'
import { credentialsFor } from '@flotilla/hub/settings/credentials-for'
import { type HubProcessOptions, type RunningHub, startHub } from '@flotilla/hub/start-hub'
import { failure } from '../errors.ts'
import { describeFailure } from './describe-failure.ts'

export interface HubProcessPorts {
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  /** Where the log's lines go. */
  write(line: string): void
}

/**
 * The hub of these settings, running. @throws CliError 1 in one sentence when it cannot start: the folder is in use,
 * the database is damaged or newer, a key or certificate cannot be read, the port is taken.
 */
export async function startHubProcess(options: HubOptions, ports: HubProcessPorts): Promise<RunningHub> {
  const { version, clock, random } = ports
  const log = createLog({ level: options.logLevel, clock, destination: { write: ports.write } })
  try {
    return await startHub(processOptions(options, version, { clock, log }), { clock, random, log })
  } catch (error) {
    const told = describeFailure(error)
    if (told === undefined) throw error
    throw failure(`the hub cannot start: ${told.message}`, told.hint, error)
  }
}

function processOptions(
  options: HubOptions,
  version: string,
  ports: { readonly clock: Clock; readonly log: Log },
): HubProcessOptions {
  const { tls, listen, publicUrl, trustProxy, webhookSecret, maxStoreBytes, gitBinary, pollIntervalMs } = options
  const { webhooksPerMinute, joinTokenLifeMs, setPolicy, removalGraceMs, configSources, hosts } = options
  const keyFile = resolve(options.keyFile)
  return {
    dataDirectory: resolve(options.dataDirectory),
    keyFile,
    listen,
    version,
    gitBinary,
    configSources,
    hosts,
    pollIntervalMs,
    webhooksPerMinute,
    api: options.api,
    joinTokenLifeMs,
    setPolicy,
    removalGraceMs,
    plugins: options.plugins,
    calendars: options.calendars,
    gates: options.gates,
    ...(options.access !== undefined && { access: options.access }),
    notificationNetworks: options.notificationNetworks,
    ...(options.tracingEndpoint !== undefined && { tracingEndpoint: options.tracingEndpoint }),
    signIn: options.signIn,
    ...(options.managementCluster !== undefined && { managementCluster: options.managementCluster }),
    credentialsFor: credentialsFor(options),
    ...(options.localRepositories === 'all' && { localRepositories: 'all' as const }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(trustProxy !== undefined && { trustProxy }),
    ...(webhookSecret !== undefined && { webhookSecret }),
    ...(maxStoreBytes !== undefined && { maxStoreBytes }),
    ...(tls.kind !== 'off' && {
      certificate: async keys => {
        const { keepGivenCertificate, keepOwnCertificate } = await import('@flotilla/hub/tls/hub-certificate')
        return tls.kind === 'own'
          ? await keepOwnCertificate({ ...ports, keyFile, keys, names: tls.names })
          : await keepGivenCertificate({ ...ports, ...tls })
      },
    }),
  }
}
