import { readFile } from 'node:fs/promises'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ConfiguredManagementCluster } from '../settings/read-management-cluster.ts'
import type { ConfiguredPlugin } from '../settings/read-plugins.ts'
import { DecisionResources } from './decision-resources.ts'
import { HostError } from './host-error.ts'
import type { SecretSettings } from './host-secrets.ts'
import type { HostsParts } from './hosts.ts'
import type { HttpClient } from './http-client.ts'
import { ManagementCluster } from './management-cluster.ts'
import { mountedSettings } from './mounted-settings.ts'
import { type PluginSettings, Plugins } from './plugins.ts'

export interface ConfiguredServices {
  readonly plugins?: readonly ConfiguredPlugin[]
  readonly managementCluster?: ConfiguredManagementCluster
}

/** Plugins and the management cluster as hub.yaml describes them. Opens nothing yet. */
export function openServices(
  { plugins = [], managementCluster }: ConfiguredServices,
  folders: Pick<SecretSettings, 'configMapsFolder' | 'secretsFolder'>,
  ports: { readonly http: HttpClient; readonly clock: Clock },
): NonNullable<HostsParts['others']> {
  const asked = new Plugins(ports.http, plugins.map(pluginOf), mountedSettings(folders))
  const decisions = new DecisionResources(managementCluster && sourceOf(managementCluster, ports.clock))
  return {
    plugin: (request, signal) => asked.ask(request, signal),
    'decision-resources': (request, signal) => decisions.ask(request, signal),
  }
}

function pluginOf(plugin: ConfiguredPlugin): PluginSettings {
  const { name, baseUrl, requestTimeoutMs, projects, token = '', tokenFile, certificateAuthorityFile } = plugin
  return {
    ...{ name, baseUrl, requestTimeoutMs },
    token: async () => (tokenFile === undefined ? token : (await textOf(tokenFile, name)).trim()),
    ...(projects !== undefined && { projects }),
    ...(certificateAuthorityFile !== undefined && {
      certificateAuthority: async () => await textOf(certificateAuthorityFile, name),
    }),
  }
}

async function textOf(path: string, plugin: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    const message = `the file ${path} of plugin "${plugin}" cannot be read`
    throw new HostError('HOST_SECRET_MISSING', message, { retry: true, cause })
  })
}

function sourceOf({ kubeconfig, context, namespace, projects }: ConfiguredManagementCluster, clock: Clock) {
  const access =
    kubeconfig === undefined
      ? ({ kind: 'in-cluster' } as const)
      : ({ kind: 'kubeconfig', path: kubeconfig, ...(context !== undefined && { context }) } as const)
  return { cluster: new ManagementCluster(access, clock), namespace, ...(projects !== undefined && { projects }) }
}
