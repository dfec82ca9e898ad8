import { isJsonObject } from '@flotilla/core/json/json'
import { childIfAny, childOf, type Draft, itemsOf, setDefault, setDefaults, textOf } from './drafts.ts'

/** What the API server adds to every pod template. */
export function defaultPodTemplate(owner: Draft | undefined): void {
  if (!owner) return
  const template = childIfAny(owner, 'template')
  if (template) defaultPodSpec(childOf(template, 'spec'))
}

export function defaultPodSpec(spec: Draft, ofPod = false): void {
  setDefaults(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
  })
  spec['securityContext'] ??= {}
  const account = textOf(spec, 'serviceAccountName') ?? textOf(spec, 'serviceAccount')
  if (account !== undefined) {
    spec['serviceAccountName'] = account
    spec['serviceAccount'] = account
  }
  for (const container of [...itemsOf(spec, 'initContainers'), ...itemsOf(spec, 'containers')]) {
    defaultContainer(container, spec['hostNetwork'] === true, ofPod)
  }
  for (const volume of itemsOf(spec, 'volumes')) defaultVolume(volume)
}

function defaultContainer(container: Draft, hostNetwork: boolean, ofPod: boolean): void {
  setDefaults(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicyOf(textOf(container, 'image') ?? ''),
  })
  for (const port of itemsOf(container, 'ports')) {
    setDefault(port, 'protocol', 'TCP')
    if (hostNetwork && port['hostPort'] === undefined) port['hostPort'] = port['containerPort']
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = childIfAny(container, name)
    if (!probe) continue
    setDefaults(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 })
    defaultHandler(probe)
  }
  const lifecycle = childIfAny(container, 'lifecycle')
  for (const name of ['postStart', 'preStop']) {
    const hook = childIfAny(lifecycle, name)
    if (hook) defaultHandler(hook)
  }
  for (const variable of itemsOf(container, 'env')) {
    const reference = childIfAny(childIfAny(variable, 'valueFrom'), 'fieldRef')
    if (reference) setDefault(reference, 'apiVersion', 'v1')
  }
  const resources = childIfAny(container, 'resources')
  const limits = childIfAny(resources, 'limits')
  // Requests follow limits in pods only; templates keep what was written.
  if (ofPod && resources && limits) {
    const requests = childOf(resources, 'requests')
    for (const [name, limit] of Object.entries(limits)) requests[name] ??= limit
  }
}

/** Pods get what templates do not: requests from limits, service links. */
export function defaultPod(pod: Draft): void {
  const spec = childOf(pod, 'spec')
  defaultPodSpec(spec, true)
  if (spec['enableServiceLinks'] === undefined) spec['enableServiceLinks'] = true
  setDefault(childOf(pod, 'status'), 'phase', 'Pending')
}

function defaultHandler(handler: Draft): void {
  const http = childIfAny(handler, 'httpGet')
  if (http) setDefaults(http, { path: '/', scheme: 'HTTP' })
  const grpc = childIfAny(handler, 'grpc')
  if (grpc && grpc['service'] === undefined) grpc['service'] = ''
}

function pullPolicyOf(image: string): string {
  if (image.includes('@')) return 'IfNotPresent'
  const tag = /:([^:/]+)$/.exec(image)?.[1] ?? 'latest'
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultVolume(volume: Draft): void {
  if (Object.keys(volume).every(key => key === 'name')) volume['emptyDir'] = {}
  for (const name of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const source = childIfAny(volume, name)
    if (source) source['defaultMode'] ??= 420
    for (const item of itemsOf(source, 'items')) defaultFieldReference(item)
    for (const part of itemsOf(source, 'sources')) {
      const token = childIfAny(part, 'serviceAccountToken')
      if (token) setDefault(token, 'expirationSeconds', 3600)
      for (const item of itemsOf(childIfAny(part, 'downwardAPI'), 'items')) defaultFieldReference(item)
    }
  }
  const hostPath = childIfAny(volume, 'hostPath')
  if (hostPath && hostPath['type'] === undefined) hostPath['type'] = ''
  const claim = childIfAny(childIfAny(volume, 'ephemeral'), 'volumeClaimTemplate')
  if (isJsonObject(claim)) setDefault(childOf(claim, 'spec'), 'volumeMode', 'Filesystem')
}

function defaultFieldReference(item: Draft): void {
  const reference = childIfAny(item, 'fieldRef')
  if (reference) setDefault(reference, 'apiVersion', 'v1')
}
