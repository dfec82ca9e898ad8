import type { SettingProblem } from './compile-hub-options.ts'

/** The cluster whose resources decide on clusters, and who the hub is there. */
export interface ConfiguredManagementCluster {
  /** Undefined for the account of the Pod that the hub runs in. */
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace: string
  /** Without it: sets of config sources that may declare everything. */
  readonly projects?: readonly string[]
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** `managementCluster` of the settings; undefined where none is given. */
export function compileManagementCluster(
  given: {
    readonly kubeconfig: string | undefined
    readonly inCluster: 'true' | 'false' | undefined
    readonly context: string | undefined
    readonly namespace: string | undefined
    readonly projects: readonly string[] | undefined
  },
  refuse: (problem: SettingProblem) => void,
): ConfiguredManagementCluster | undefined {
  const { kubeconfig, context, projects } = given
  const inCluster = given.inCluster === 'true'
  const namespace = given.namespace ?? ''
  if (!NAMESPACE.test(namespace)) {
    refuse({ field: 'managementCluster.namespace', message: 'must be the name of a namespace' })
  }
  if (inCluster && kubeconfig !== undefined) {
    refuse({ field: 'managementCluster.kubeconfig', message: 'cannot stand beside managementCluster.inCluster' })
  }
  if (kubeconfig === undefined) {
    if (context !== undefined) {
      refuse({ field: 'managementCluster.context', message: 'is for managementCluster.kubeconfig alone' })
    }
    if (!inCluster) return undefined
  }
  return {
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    namespace,
    ...(projects !== undefined && projects.length > 0 && { projects }),
  }
}
