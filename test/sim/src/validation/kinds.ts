import type { JsonObject } from '@flotilla/core/json/json'
import { duplicate, type FieldError, forbiddenField, invalid, required, unsupported } from '../api/api-error.ts'
import { at, itemsOf, stringsOf, textOf } from '../objects/drafts.ts'
import { checkDataKeys, tooLong } from './names.ts'
import { checkNotNegative, checkPodSpec, checkTemplate, isPort } from './pod-spec.ts'

type Check = (object: JsonObject) => readonly FieldError[]

const RBAC = 'rbac.authorization.k8s.io'
const ALWAYS = ['Always']
const FINITE = ['OnFailure', 'Never']
/** The most that the data of a ConfigMap or Secret may take. */
const MAXIMUM_DATA_BYTES = 1024 * 1024

/** The commonest mistakes of each built-in kind, by `group/Kind`. */
export const KIND_CHECKS: Readonly<Record<string, Check>> = {
  '/ConfigMap': object => {
    const data = stringsOf(object['data'])
    const binary = stringsOf(object['binaryData'])
    const shared = Object.keys(binary).filter(key => Object.hasOwn(data, key))
    return [
      ...checkDataKeys(Object.keys(data), 'data'),
      ...checkDataKeys(Object.keys(binary), 'binaryData'),
      ...shared.map(key => invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
      ...checkDataSize({ ...data, ...binary }, ''),
    ]
  },
  '/Secret': checkSecret,
  '/Service': checkService,
  '/Pod': object => checkPodSpec(specOf(object), 'spec', ['Always', 'OnFailure', 'Never']),
  '/PersistentVolumeClaim': object => {
    const spec = specOf(object)
    const modes = spec['accessModes']
    const storage = at(spec, 'resources', 'requests', 'storage')
    return [
      ...(Array.isArray(modes) && modes.length > 0
        ? []
        : [required('spec.accessModes', 'at least 1 access mode is required')]),
      ...(storage === undefined ? [required('spec.resources[storage]')] : []),
    ]
  },
  '/PersistentVolume': object => {
    const spec = specOf(object)
    const modes = spec['accessModes']
    return [
      ...(Array.isArray(modes) && modes.length > 0
        ? []
        : [required('spec.accessModes', 'at least 1 access mode is required')]),
      ...(at(spec, 'capacity', 'storage') === undefined ? [required('spec.capacity')] : []),
    ]
  },
  '/ReplicationController': object => {
    const spec = specOf(object)
    return [
      ...checkNotNegative(spec, ['replicas', 'minReadySeconds']),
      ...checkTemplate({ ...spec, selector: { matchLabels: spec['selector'] ?? {} } }, ALWAYS),
    ]
  },
  'apps/Deployment': object => {
    const spec = specOf(object)
    const negatives = ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds']
    return [...checkNotNegative(spec, negatives), ...checkTemplate(spec, ALWAYS), ...checkStrategy(spec)]
  },
  'apps/ReplicaSet': object => {
    const spec = specOf(object)
    return [...checkNotNegative(spec, ['replicas', 'minReadySeconds']), ...checkTemplate(spec, ALWAYS)]
  },
  'apps/StatefulSet': object => {
    const spec = specOf(object)
    return [
      ...checkNotNegative(spec, ['replicas', 'minReadySeconds', 'revisionHistoryLimit']),
      ...checkTemplate(spec, ALWAYS),
    ]
  },
  'apps/DaemonSet': object => {
    const spec = specOf(object)
    return [...checkNotNegative(spec, ['minReadySeconds', 'revisionHistoryLimit']), ...checkTemplate(spec, ALWAYS)]
  },
  'batch/Job': object => {
    const spec = specOf(object)
    const negatives = ['parallelism', 'completions', 'backoffLimit', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished']
    return [
      ...checkNotNegative(spec, negatives),
      ...checkPodSpec(at(spec, 'template', 'spec') as JsonObject | undefined, 'spec.template.spec', FINITE),
    ]
  },
  'batch/CronJob': object => {
    const spec = specOf(object)
    const schedule = textOf(spec, 'schedule')
    const path = 'spec.jobTemplate.spec.template.spec'
    return [
      ...(schedule === undefined ? [required('spec.schedule')] : []),
      ...(schedule !== undefined && !isSchedule(schedule)
        ? [invalid('spec.schedule', schedule, 'expected 5 fields or a descriptor such as @daily')]
        : []),
      ...checkPodSpec(at(spec, 'jobTemplate', 'spec', 'template', 'spec') as JsonObject | undefined, path, FINITE),
    ]
  },
  'networking.k8s.io/Ingress': checkIngress,
  'policy/PodDisruptionBudget': object => {
    const spec = specOf(object)
    const both = spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined
    return both ? [invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []
  },
  'autoscaling/HorizontalPodAutoscaler': object => {
    const spec = specOf(object)
    const most = Number(spec['maxReplicas'] ?? 0)
    const least = Number(spec['minReplicas'] ?? 1)
    return [
      ...(most < 1 ? [invalid('spec.maxReplicas', most, 'must be greater than 0')] : []),
      ...(most < least ? [invalid('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`')] : []),
      ...(at(spec, 'scaleTargetRef', 'kind') ? [] : [required('spec.scaleTargetRef.kind')]),
      ...(at(spec, 'scaleTargetRef', 'name') ? [] : [required('spec.scaleTargetRef.name')]),
    ]
  },
  'storage.k8s.io/StorageClass': object =>
    textOf(object, 'provisioner') === undefined ? [required('provisioner')] : [],
  'networking.k8s.io/IngressClass': object =>
    at(object, 'spec', 'controller') === undefined ? [required('spec.controller')] : [],
  [`${RBAC}/Role`]: checkRules,
  [`${RBAC}/ClusterRole`]: checkRules,
  [`${RBAC}/RoleBinding`]: checkBinding,
  [`${RBAC}/ClusterRoleBinding`]: checkBinding,
}

function specOf(object: JsonObject): JsonObject {
  return (object['spec'] ?? {}) as JsonObject
}

function checkDataSize(data: Readonly<Record<string, string>>, field: string): readonly FieldError[] {
  let size = 0
  for (const value of Object.values(data)) size += Buffer.byteLength(value)
  return size > MAXIMUM_DATA_BYTES ? [tooLong(field, MAXIMUM_DATA_BYTES)] : []
}

const NEEDED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
}

function checkSecret(object: JsonObject): readonly FieldError[] {
  const data = stringsOf(object['data'])
  const needed = NEEDED_KEYS[textOf(object, 'type') ?? ''] ?? []
  const decoded = Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('latin1')]),
  )
  return [
    ...checkDataKeys(Object.keys(data), 'data'),
    ...needed.filter(key => !Object.hasOwn(data, key)).map(key => required(`data[${key}]`)),
    ...checkDataSize(decoded, 'data'),
  ]
}

function checkService(object: JsonObject): readonly FieldError[] {
  const spec = specOf(object)
  const type = textOf(spec, 'type') ?? ''
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
  const errors: FieldError[] = types.includes(type) ? [] : [unsupported('spec.type', type, types)]
  const ports = itemsOf(spec, 'ports')
  if (type === 'ExternalName') {
    if (textOf(spec, 'externalName') === undefined) errors.push(required('spec.externalName'))
  } else if (ports.length === 0 && spec['clusterIP'] !== 'None') errors.push(required('spec.ports'))
  const names = new Set<string>()
  const numbers = new Set<string>()
  ports.forEach((port, index) => {
    const path = `spec.ports[${index}]`
    const name = textOf(port, 'name')
    if (name === undefined && ports.length > 1) errors.push(required(`${path}.name`))
    else if (name !== undefined && names.has(name)) errors.push(duplicate(`${path}.name`, name))
    if (name !== undefined) names.add(name)
    if (!isPort(port['port']))
      errors.push(invalid(`${path}.port`, port['port'], 'must be between 1 and 65535, inclusive'))
    const key = `${String(port['protocol'])} ${String(port['port'])}`
    if (numbers.has(key)) errors.push(duplicate(path, { port: port['port'] ?? 0, protocol: port['protocol'] ?? '' }))
    numbers.add(key)
  })
  return errors
}

function checkStrategy(spec: JsonObject): readonly FieldError[] {
  const type = at(spec, 'strategy', 'type')
  const rolling = at(spec, 'strategy', 'rollingUpdate')
  if (type === 'Recreate' && rolling !== undefined) {
    return [forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
  }
  if (type !== 'Recreate' && type !== 'RollingUpdate') {
    return [unsupported('spec.strategy.type', type, ['Recreate', 'RollingUpdate'])]
  }
  const isZero = (key: string) => [0, '0%'].includes(at(rolling, key) as number | string)
  if (isZero('maxUnavailable') && isZero('maxSurge')) {
    return [invalid('spec.strategy.rollingUpdate.maxUnavailable', 0, 'may not be 0 when `maxSurge` is 0')]
  }
  return []
}

function isSchedule(text: string): boolean {
  const fields = text.trim().split(/\s+/)
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text)) return true
  if (/^@every \S+$/.test(text)) return true
  return fields.length === 5 && fields.every(field => /^[\d*/,\-?A-Za-z]+$/.test(field))
}

function checkIngress(object: JsonObject): readonly FieldError[] {
  const spec = specOf(object)
  const rules = itemsOf(spec, 'rules')
  if (rules.length === 0 && spec['defaultBackend'] === undefined) {
    return [invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified')]
  }
  return rules.flatMap((rule, ruleIndex) =>
    itemsOf(rule['http'] as JsonObject | undefined, 'paths').flatMap((path, index) => {
      const field = `spec.rules[${ruleIndex}].http.paths[${index}]`
      const kind = textOf(path, 'pathType')
      const kinds = ['Exact', 'ImplementationSpecific', 'Prefix']
      const service = at(path, 'backend', 'service')
      return [
        ...(kind === undefined ? [required(`${field}.pathType`, 'pathType must be specified')] : []),
        ...(kind !== undefined && !kinds.includes(kind) ? [unsupported(`${field}.pathType`, kind, kinds)] : []),
        ...(service === undefined && at(path, 'backend', 'resource') === undefined
          ? [required(`${field}.backend`)]
          : []),
        ...(service !== undefined && !at(service, 'name') ? [required(`${field}.backend.service.name`)] : []),
      ]
    }),
  )
}

function checkRules(object: JsonObject): readonly FieldError[] {
  return itemsOf(object, 'rules').flatMap((rule, index) => {
    const filled = (key: string) => Array.isArray(rule[key]) && (rule[key] as readonly unknown[]).length > 0
    if (!filled('verbs')) return [required(`rules[${index}].verbs`, 'verbs must contain at least one value')]
    if (filled('nonResourceURLs')) return []
    return [
      ...(filled('apiGroups')
        ? []
        : [required(`rules[${index}].apiGroups`, 'resource rules must supply at least one api group')]),
      ...(filled('resources')
        ? []
        : [required(`rules[${index}].resources`, 'resource rules must supply at least one resource')]),
    ]
  })
}

function checkBinding(object: JsonObject): readonly FieldError[] {
  const reference = object['roleRef']
  const kind = at(reference, 'kind')
  const kinds = object['kind'] === 'ClusterRoleBinding' ? ['ClusterRole'] : ['ClusterRole', 'Role']
  return [
    ...(at(reference, 'apiGroup') === RBAC ? [] : [unsupported('roleRef.apiGroup', at(reference, 'apiGroup'), [RBAC])]),
    ...(kinds.includes(String(kind)) ? [] : [unsupported('roleRef.kind', kind, kinds)]),
    ...(at(reference, 'name') ? [] : [required('roleRef.name')]),
    ...itemsOf(object, 'subjects').flatMap((subject, index) => [
      ...(textOf(subject, 'name') === undefined ? [required(`subjects[${index}].name`)] : []),
      ...(subject['kind'] === 'ServiceAccount' && textOf(subject, 'namespace') === undefined
        ? [required(`subjects[${index}].namespace`)]
        : []),
      ...(['User', 'Group', 'ServiceAccount'].includes(String(subject['kind']))
        ? []
        : [unsupported(`subjects[${index}].kind`, subject['kind'], ['Group', 'ServiceAccount', 'User'])]),
    ]),
  ]
}
