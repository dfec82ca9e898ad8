import type { Json, JsonObject } from '@flotilla/core/json/json'
import { duplicate, type FieldError, forbiddenField, invalid, required, unsupported } from '../api/api-error.ts'
import { at, itemsOf, stringsOf, textOf } from '../objects/drafts.ts'
import { parseQuantity } from '../objects/quantity.ts'
import { matchesLabelSelector } from '../store/selectors.ts'
import { checkLabels, notLabel } from './names.ts'

/** A workload's selector and template: the selector must select what the template makes. */
export function checkTemplate(spec: JsonObject, policies: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = []
  const selector = spec['selector']
  const labels = stringsOf(at(spec, 'template', 'metadata', 'labels'))
  if (selector === undefined || selector === null) errors.push(required('spec.selector'))
  else if (isEmptySelector(selector)) errors.push(invalid('spec.selector', selector, 'empty selector is invalid'))
  else if (!matchesLabelSelector(selector, labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  errors.push(...checkLabels(labels, 'spec.template.metadata.labels'))
  return [
    ...errors,
    ...checkPodSpec(at(spec, 'template', 'spec') as JsonObject | undefined, 'spec.template.spec', policies),
  ]
}

/** In the order in which they are looked at: of two the second is one too many. */
const VOLUME_SOURCES = [
  'emptyDir',
  'hostPath',
  'secret',
  'nfs',
  'persistentVolumeClaim',
  'downwardAPI',
  'configMap',
  'projected',
  'ephemeral',
  'csi',
]

function isEmptySelector(selector: Json): boolean {
  const expressions = at(selector, 'matchExpressions')
  return (
    Object.keys(stringsOf(at(selector, 'matchLabels'))).length === 0 &&
    !(Array.isArray(expressions) && expressions.length > 0)
  )
}

export function checkPodSpec(
  spec: JsonObject | undefined,
  path: string,
  policies: readonly string[],
): readonly FieldError[] {
  const errors: FieldError[] = []
  const volumes = new Set<string>()
  itemsOf(spec, 'volumes').forEach((volume, index) => {
    const name = textOf(volume, 'name')
    errors.push(...checkItemName(name, `${path}.volumes[${index}].name`, volumes))
    const sources = Object.keys(volume)
      .filter(key => key !== 'name')
      .sort((a, b) => VOLUME_SOURCES.indexOf(a) - VOLUME_SOURCES.indexOf(b))
    if (sources.length > 1)
      errors.push(forbiddenField(`${path}.volumes[${index}].${sources[1]}`, 'may not specify more than 1 volume type'))
  })
  const containers = itemsOf(spec, 'containers')
  if (containers.length === 0) errors.push(required(`${path}.containers`))
  const names = new Set<string>()
  for (const list of ['initContainers', 'containers']) {
    itemsOf(spec, list).forEach((container, index) => {
      const at = `${path}.${list}[${index}]`
      errors.push(...checkItemName(textOf(container, 'name'), `${at}.name`, names))
      errors.push(...checkContainer(container, at, volumes))
    })
  }
  const policy = textOf(spec, 'restartPolicy')
  if (policy !== undefined && !policies.includes(policy)) {
    errors.push(unsupported(`${path}.restartPolicy`, policy, [...policies].sort()))
  }
  const grace = spec?.['terminationGracePeriodSeconds']
  if (typeof grace === 'number' && grace < 0) errors.push(notNegative(`${path}.terminationGracePeriodSeconds`, grace))
  return errors
}

function checkItemName(name: string | undefined, field: string, seen: Set<string>): readonly FieldError[] {
  if (name === undefined) return [required(field)]
  const wrong = notLabel(name)
  if (wrong !== undefined) return [invalid(field, name, wrong)]
  if (seen.has(name)) return [duplicate(field, name)]
  seen.add(name)
  return []
}

function checkContainer(container: JsonObject, path: string, volumes: ReadonlySet<string>): readonly FieldError[] {
  const errors: FieldError[] = []
  const image = textOf(container, 'image')
  if (image === undefined) errors.push(required(`${path}.image`))
  else if (image.trim() !== image)
    errors.push(invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'))
  const pull = textOf(container, 'imagePullPolicy')
  if (pull !== undefined && !['Always', 'IfNotPresent', 'Never'].includes(pull)) {
    errors.push(unsupported(`${path}.imagePullPolicy`, pull, ['Always', 'IfNotPresent', 'Never']))
  }
  errors.push(...checkPorts(container, path), ...checkEnvironment(container, path), ...checkResources(container, path))
  const mounted = new Set<string>()
  itemsOf(container, 'volumeMounts').forEach((mount, index) => {
    const name = textOf(mount, 'name')
    const at = `${path}.volumeMounts[${index}]`
    if (name === undefined) errors.push(required(`${at}.name`))
    else if (!volumes.has(name))
      errors.push({ field: `${at}.name`, reason: 'FieldValueInvalid', message: `Not found: ${JSON.stringify(name)}` })
    const target = textOf(mount, 'mountPath')
    if (target === undefined) errors.push(required(`${at}.mountPath`))
    else if (mounted.has(target)) errors.push(invalid(`${at}.mountPath`, target, 'must be unique'))
    if (target !== undefined) mounted.add(target)
  })
  return errors
}

function checkPorts(container: JsonObject, path: string): readonly FieldError[] {
  const names = new Set<string>()
  return itemsOf(container, 'ports').flatMap((port, index) => {
    const at = `${path}.ports[${index}]`
    const errors: FieldError[] = []
    const name = textOf(port, 'name')
    if (name !== undefined) {
      if (name.length > 15 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || !/[a-z]/.test(name)) {
        errors.push(
          invalid(`${at}.name`, name, 'must be at most 15 lower case letters, digits and -, with a letter among them'),
        )
      } else if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
    const number = port['containerPort']
    if (number === 0 || number === undefined) errors.push(required(`${at}.containerPort`))
    else if (!isPort(number))
      errors.push(invalid(`${at}.containerPort`, number, 'must be between 1 and 65535, inclusive'))
    if (!['TCP', 'UDP', 'SCTP'].includes(textOf(port, 'protocol') ?? '')) {
      errors.push(unsupported(`${at}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']))
    }
    return errors
  })
}

export function isPort(value: Json | undefined): boolean {
  return typeof value === 'number' && value >= 1 && value <= 65_535
}

function checkEnvironment(container: JsonObject, path: string): readonly FieldError[] {
  return itemsOf(container, 'env').flatMap((variable, index) => {
    const name = textOf(variable, 'name')
    if (name === undefined) return [required(`${path}.env[${index}].name`)]
    if (name.includes('=')) return [invalid(`${path}.env[${index}].name`, name, "must not contain '='")]
    if (textOf(variable, 'value') !== undefined && variable['valueFrom'] !== undefined) {
      return [invalid(`${path}.env[${index}].valueFrom`, '', 'may not be specified when `value` is not empty')]
    }
    return []
  })
}

function checkResources(container: JsonObject, path: string): readonly FieldError[] {
  const limits = stringsOf(at(container, 'resources', 'limits'))
  const requests = stringsOf(at(container, 'resources', 'requests'))
  return Object.entries(requests).flatMap(([name, request]) => {
    const limit = limits[name]
    const wanted = parseQuantity(String(request))
    const most = limit === undefined ? undefined : parseQuantity(String(limit))
    if (!wanted || !most || wanted.nano <= most.nano) return []
    return [invalid(`${path}.resources.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)]
  })
}

export function notNegative(field: string, value: Json | undefined): FieldError {
  return invalid(field, value, 'must be greater than or equal to 0')
}

/** For each path whose number is below zero. */
export function checkNotNegative(spec: JsonObject, names: readonly string[]): readonly FieldError[] {
  return names.flatMap(name => {
    const value = spec[name]
    return typeof value === 'number' && value < 0 ? [notNegative(`spec.${name}`, value)] : []
  })
}
