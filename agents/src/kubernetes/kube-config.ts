import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { dirname, isAbsolute, join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'

/** Where the identity for the cluster comes from. */
export type ClusterAccess =
  | { readonly kind: 'kubeconfig'; readonly path: string; readonly context?: string }
  | { readonly kind: 'in-cluster' }

export interface ClusterConnection {
  readonly server: URL
  /** Headers, certificates and trust for a request made now. */
  credentials(): Promise<RequestOptions>
}

/**
 * Reads how to reach a cluster: kubeconfig file (certificates, tokens, exec plugins, OIDC) or the Pod's own account.
 *
 * @throws Error that names the file and what is missing in it.
 */
export function openKubeConfig(access: ClusterAccess): ClusterConnection {
  const config = new KubeConfig()
  if (access.kind === 'in-cluster') {
    if (!process.env['KUBERNETES_SERVICE_HOST']) {
      throw new Error('not inside a cluster: KUBERNETES_SERVICE_HOST is not set; name a kubeconfig file instead')
    }
    config.loadFromCluster()
  } else {
    loadFile(config, access.path)
    if (access.context) config.setCurrentContext(access.context)
  }
  const cluster = config.getCurrentCluster()
  const where = access.kind === 'in-cluster' ? 'the Pod' : access.path
  if (!cluster) throw new Error(`${where}: context "${config.getCurrentContext()}" names no cluster`)
  if (!config.getCurrentUser()) throw new Error(`${where}: context "${config.getCurrentContext()}" names no user`)
  const server = new URL(cluster.server)
  // Client-node refuses to send credentials in the clear; on this machine itself nobody listens in.
  if (server.protocol === 'http:' && isLoopback(server)) Object.assign(cluster, { skipTLSVerify: true })
  return {
    server,
    credentials: async () => {
      const options: RequestOptions = { headers: {} }
      await config.applyToHTTPSOptions(options)
      // Its agent opens a connection a request; ours is kept. Only a proxy's agent is of use.
      if (!cluster.proxyUrl) delete options.agent
      return options
    },
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function loadFile(config: KubeConfig, path: string): void {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`kubeconfig ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    config.loadFromString(text)
  } catch (error) {
    throw new Error(`kubeconfig ${path} is not valid: ${(error as Error).message}`, { cause: error })
  }
  config.makePathsAbsolute(dirname(path))
  for (const user of config.users) {
    const provider = user.authProvider?.config as { 'idp-issuer-url'?: unknown } | undefined
    // Client-node hands on the text where the library of OpenID Connect takes nothing but a URL.
    const issuer = provider?.['idp-issuer-url']
    if (provider && typeof issuer === 'string') provider['idp-issuer-url'] = issuerOf(issuer, path)
    if (!user.exec) continue
    // A relative command is meant relative to the file, unless it is a bare name; plugins expect to be told their API.
    const { command, apiVersion } = user.exec as { command?: string; apiVersion?: string }
    if (command?.includes('/') && !isAbsolute(command)) user.exec.command = join(dirname(path), command)
    const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } }
    const env = [...(user.exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }]
    user.exec.env = env
  }
}

function issuerOf(text: string, path: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new Error(`kubeconfig ${path}: idp-issuer-url "${text}" is no URL`)
}
