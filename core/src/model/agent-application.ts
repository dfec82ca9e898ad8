/**
 * The label of the Application that is a cluster's agent itself: the hub rolls it out like any other, and goes on
 * offering it to an agent that is too old for everything else.
 */
export const AGENT_APPLICATION_LABEL = 'flotilla.dev/agent'

export function isAgentApplication(labels: Readonly<Record<string, string>>): boolean {
  return labels[AGENT_APPLICATION_LABEL] === 'true'
}
