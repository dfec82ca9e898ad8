import { readFileSync } from 'node:fs'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import type { Agent } from './agent.ts'
import { assembleAgent } from './assemble-agent.ts'
import { ControlSocket } from './control-socket.ts'
import { createNodeClusterTransport } from './kubernetes/node-cluster-transport.ts'
import type { AgentLink } from './link/agent-link.ts'
import { createNodeHubTransport } from './link/node-hub-transport.ts'
import { AgentMetrics } from './metrics/agent-metrics.ts'
import { serveMetrics } from './metrics/serve-metrics.ts'
import type { AgentSettings } from './settings.ts'
import { openFolderState } from './state/folder-state.ts'
import { openSecretState } from './state/secret-state.ts'

export interface RunAgentPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What the hub shows of this program. */
  readonly version: string
}

export interface RunningAgent {
  readonly agent: Agent
  readonly link: AgentLink
  /** Where its figures are, where they are served. */
  readonly metricsAddress?: string
  /** Resolves when another process has become the agent of this cluster: this one is to end. */
  readonly lost: Promise<void>
  /** Ends at the next safe point and gives the Lease back. */
  stop(): Promise<void>
}

const HUB_URL_KEY = 'hub-url'

/**
 * Puts an agent together from its settings and starts it.
 *
 * @throws Error that names the setting when something is missing or cannot be read.
 */
export async function runAgent(settings: AgentSettings, ports: RunAgentPorts): Promise<RunningAgent> {
  const { clock, random, log, environment, version } = ports
  const { name, namespace, concurrency, joinToken, labels } = settings
  const cluster = createNodeClusterTransport(settings.access, clock)
  const state =
    settings.state.kind === 'folder'
      ? await openFolderState(settings.state.path)
      : await openSecretState({ transport: cluster, namespace, random, clock })
  const hub = createNodeHubTransport({ ...(await findHub(settings, state)), environment, clock })
  const metrics = settings.metricsAddress && new AgentMetrics(clock)
  const { agent, link, lost, stop } = assembleAgent({
    ...(metrics && { metrics }),
    name,
    cluster,
    hub,
    state,
    joinToken,
    labels,
    namespace,
    concurrency,
    version,
    clock,
    random,
    log,
  })
  await agent.start()
  const control = new ControlSocket(agent, settings.controlSocket, log, () => rotateKey(link))
  await control.start()
  const measured = { version, connected: () => link.connected(), hubTime: () => link.hubTime() }
  const served =
    settings.metricsAddress &&
    metrics &&
    (await serveMetrics(settings.metricsAddress, () => metrics.text(measured), log))
  if (served) log.info('figures are served', { address: served.address })
  return {
    agent,
    link,
    lost,
    ...(served && { metricsAddress: served.address }),
    stop: async () => {
      await served?.stop()
      await control.stop()
      await stop()
      await hub.close()
      await state.close()
      await cluster.close()
    },
  }
}

/** What became of it, for people. @throws Error when the hub cannot be asked or does not take the key */
async function rotateKey(link: AgentLink): Promise<string> {
  const outcome = await link.rotateKey()
  if (outcome.kind !== 'changed') throw new Error(outcome.message)
  return `the agent has another key: ${outcome.key.signing.kid}`
}

/** Settings first, then the join token, then what an earlier start was told: the token is only needed once. */
async function findHub(settings: AgentSettings, state: AgentState) {
  const caPem =
    settings.hubCertificateAuthority === undefined ? undefined : readFileSync(settings.hubCertificateAuthority, 'utf8')
  const parsed = settings.joinToken === undefined ? undefined : parseJoinToken(settings.joinToken)
  const kept = await readKept(state)
  // An agent that was admitted goes on enforcing, whatever became of its token; the link says what is wrong with it.
  if (parsed?.kind === 'refused' && kept === undefined) throw new Error(`joinToken: ${parsed.message}`)
  const token = parsed?.kind === 'token' ? parsed.token : undefined
  const url = settings.hub ?? token?.hub ?? kept?.url
  if (url === undefined)
    throw new Error('hub: is missing, and no join token says it; joinTokenFile may name a file that is not there')
  const caPin = token?.ca ?? kept?.caPin
  await state.put(HUB_URL_KEY, Buffer.from(JSON.stringify({ url, caPin })))
  return {
    url,
    ...(caPem === undefined ? {} : { caPem }),
    ...(caPin === undefined || caPem !== undefined ? {} : { caPin }),
  }
}

async function readKept(
  state: AgentState,
): Promise<{ readonly url: string; readonly caPin?: `sha256:${string}` } | undefined> {
  const bytes = await state.get(HUB_URL_KEY)
  if (!bytes) return undefined
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
