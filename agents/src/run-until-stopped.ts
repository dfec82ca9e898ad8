import type { Timer } from '@flotilla/core/ports/clock'
import { type RunAgentPorts, runAgent } from './run-agent.ts'
import type { AgentSettings } from './settings.ts'

const ALIVE_EVERY_MS = 60_000

/**
 * Runs an agent until it is told to stop, or until another process has become the agent of its cluster: then whoever
 * supervises starts it again, and it waits for the Lease like any other. Returns how the process is to end.
 *
 * @param stopped Resolves with the reason to stop, such as the signal's name.
 * @throws Error that names the setting when something is missing or cannot be read.
 */
export async function runUntilStopped(
  settings: AgentSettings,
  ports: RunAgentPorts,
  stopped: Promise<string>,
): Promise<0 | 1> {
  const { clock, log, version } = ports
  const running = await runAgent(settings, ports)
  const sayAlive = (): void => {
    const { rss } = process.memoryUsage()
    const applications = running.link.held().size
    log.info('agent alive', { hub: running.link.status().kind, applications, rssMiB: Math.round(rss / 1024 / 1024) })
    alive = clock.setTimer(ALIVE_EVERY_MS, sayAlive)
  }
  let alive: Timer = clock.setTimer(ALIVE_EVERY_MS, sayAlive)
  log.info('agent started', { version, namespace: settings.namespace, state: settings.state.kind })
  const lost = running.lost.then(() => 'lease lost' as const)
  const reason = await Promise.race([stopped, lost])
  log.info('agent stopping', { reason })
  alive.cancel()
  await running.stop()
  log.info('agent stopped')
  return reason === 'lease lost' ? 1 : 0
}
