import { readFileSync } from 'node:fs'
import http from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { dirname, isAbsolute, join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import { HostError } from './host-error.ts'

/** Where a cluster is, and who the hub is there. */
export type ClusterAccess =
  | { readonly kind: 'kubeconfig'; readonly path: string; readonly context?: string }
  | { readonly kind: 'in-cluster' }

export interface OpenedAccess {
  readonly server: URL
  /** Headers, certificates and trust for a request made now. */
  options(): Promise<RequestOptions>
  send(options: RequestOptions): http.ClientRequest
}

/**
 * Reads a kubeconfig (certificates, tokens, exec plugins) or the account of the Pod that the hub runs in. This file is
 * imported when it is needed and not before: its library is large.
 *
 * @throws HostError `HOST_CONFIG_INVALID` that names the file and what is missing in it.
 */
export function openAccess(access: ClusterAccess): OpenedAccess {
  const config = new KubeConfig()
  const where = access.kind === 'in-cluster' ? 'the Pod' : access.path
  try {
    if (access.kind === 'in-cluster') config.loadFromCluster()
    else loadFile(config, access.path, access.context)
  } catch (cause) {
    throw invalid(
      `kubeconfig ${where} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
  const cluster = config.getCurrentCluster()
  if (!cluster || !URL.canParse(cluster.server)) {
    throw invalid(`kubeconfig ${where}: context "${config.getCurrentContext()}" names no cluster`)
  }
  const server = new URL(cluster.server)
  // Credentials are never sent in the clear but on this machine itself, where nobody listens in.
  if (server.protocol === 'http:' && isLoopback(server)) Object.assign(cluster, { skipTLSVerify: true })
  return {
    server,
    options: async () => {
      const options: RequestOptions = { headers: {} }
      await config.applyToHTTPSOptions(options)
      // Only a proxy's agent is of use: these are a handful of requests every few minutes.
      if (!cluster.proxyUrl) delete options.agent
      return options
    },
    send: options => (server.protocol === 'http:' ? http : https).request(options),
  }
}

function loadFile(config: KubeConfig, path: string, context: string | undefined): void {
  config.loadFromString(readFileSync(path, 'utf8'))
  config.makePathsAbsolute(dirname(path))
  if (context !== undefined) config.setCurrentContext(context)
  for (const user of config.users) {
    if (!user.exec) continue
    // A relative command is meant relative to the file, unless it is a bare name; plugins expect to be told their API.
    const { command, apiVersion } = user.exec as { command?: string; apiVersion?: string }
    if (command?.includes('/') && !isAbsolute(command)) user.exec.command = join(dirname(path), command)
    const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } }
    user.exec.env = [...(user.exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }]
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function invalid(message: string, cause?: unknown): HostError {
  return new HostError('HOST_CONFIG_INVALID', message, { retry: true, cause })
}
