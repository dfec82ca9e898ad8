import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { at, itemsOf, stringsOf } from '../objects/drafts.ts'
import { kindName } from '../objects/kind-rules.ts'
import type { ResourceType } from '../resources/resource-type.ts'

/** One column of what `kubectl get` shows. */
export interface Column {
  readonly name: string
  readonly type: string
  /** Above 0: only in the wide form. */
  readonly priority: number
  cell(object: KubernetesObject): Json
}

type Cell = (object: KubernetesObject) => Json

const number =
  (...path: readonly string[]): Cell =>
  object =>
    Number(at(object, ...path) ?? 0)
const text =
  (...path: readonly string[]): Cell =>
  object => {
    const value = at(object, ...path)
    return value === undefined || value === null || value === '' ? '<none>' : String(value)
  }
const count =
  (key: string): Cell =>
  object =>
    Object.keys(stringsOf(object[key])).length
const ratio =
  (done: Cell, wanted: Cell): Cell =>
  object =>
    `${String(done(object))}/${String(wanted(object))}`

/** What a kind shows between its name and its age, by `group/Kind`. */
const COLUMNS: Readonly<Record<string, Readonly<Record<string, Cell>>>> = {
  '/Namespace': { Status: text('status', 'phase') },
  '/ConfigMap': { Data: count('data') },
  '/Secret': { Type: text('type'), Data: count('data') },
  '/Node': { Status: object => (holds(object, 'Ready') ? 'Ready' : 'NotReady') },
  '/Service': {
    Type: text('spec', 'type'),
    'Cluster-IP': text('spec', 'clusterIP'),
    'External-IP': object => (at(object, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>'),
    'Port(s)': object => portsText(object) || '<none>',
  },
  '/Pod': {
    Ready: object => {
      const statuses = itemsOf(object['status'] as JsonObject | undefined, 'containerStatuses')
      const total = itemsOf(object['spec'] as JsonObject | undefined, 'containers').length
      return `${statuses.filter(status => status['ready'] === true).length}/${total}`
    },
    Status: object =>
      object.metadata.deletionTimestamp === undefined ? text('status', 'phase')(object) : 'Terminating',
    Restarts: () => '0',
  },
  '/PersistentVolumeClaim': {
    Status: text('status', 'phase'),
    Volume: text('spec', 'volumeName'),
    Capacity: text('status', 'capacity', 'storage'),
    StorageClass: text('spec', 'storageClassName'),
  },
  'apps/Deployment': {
    Ready: ratio(number('status', 'readyReplicas'), number('spec', 'replicas')),
    'Up-to-date': number('status', 'updatedReplicas'),
    Available: number('status', 'availableReplicas'),
  },
  'apps/ReplicaSet': {
    Desired: number('spec', 'replicas'),
    Current: number('status', 'replicas'),
    Ready: number('status', 'readyReplicas'),
  },
  'apps/StatefulSet': { Ready: ratio(number('status', 'readyReplicas'), number('spec', 'replicas')) },
  'apps/DaemonSet': {
    Desired: number('status', 'desiredNumberScheduled'),
    Current: number('status', 'currentNumberScheduled'),
    Ready: number('status', 'numberReady'),
    'Up-to-date': number('status', 'updatedNumberScheduled'),
    Available: number('status', 'numberAvailable'),
  },
  'batch/Job': {
    Status: object => (holds(object, 'Complete') ? 'Complete' : holds(object, 'Failed') ? 'Failed' : 'Running'),
    Completions: ratio(number('status', 'succeeded'), number('spec', 'completions')),
  },
  'batch/CronJob': { Schedule: text('spec', 'schedule'), Suspend: text('spec', 'suspend') },
}

/** Columns of a kind: its own, or those its definition names, and the age. */
export function columnsOf(type: ResourceType, now: EpochMs): readonly Column[] {
  const age: Column = { name: 'Age', type: 'string', priority: 0, cell: object => ageText(object, now) }
  if (!type.custom) {
    const own = Object.entries(COLUMNS[kindName(type)] ?? {})
    return [...own.map(([name, cell]) => ({ name, type: 'string', priority: 0, cell })), age]
  }
  const declared = type.custom.printerColumns.map(column => ({
    name: String(column['name']),
    type: String(column['type'] ?? 'string'),
    priority: Number(column['priority'] ?? 0),
    cell: customCell(String(column['jsonPath'] ?? ''), column['type'] === 'date', now),
  }))
  return declared.length === 0 ? [age] : declared
}

function customCell(path: string, isDate: boolean, now: EpochMs): Cell {
  const keys = path.split('.').filter(part => part !== '')
  return object => {
    const value = at(object, ...keys)
    if (value === undefined || value === null) return null
    if (isDate) return sinceText(String(value), now)
    return typeof value === 'object' ? JSON.stringify(value) : value
  }
}

function holds(object: KubernetesObject, type: string): boolean {
  const conditions = itemsOf(object['status'] as JsonObject | undefined, 'conditions')
  return conditions.some(each => each['type'] === type && each['status'] === 'True')
}

function portsText(object: KubernetesObject): string {
  return itemsOf(object['spec'] as JsonObject | undefined, 'ports')
    .map(
      port =>
        `${String(port['port'])}${port['nodePort'] === undefined ? '' : `:${String(port['nodePort'])}`}/${String(port['protocol'])}`,
    )
    .join(',')
}

function ageText(object: KubernetesObject, now: EpochMs): string {
  return sinceText(object.metadata.creationTimestamp ?? '', now)
}

/** `45s`, `12m`, `5h`, `3d` */
function sinceText(timestamp: string, now: EpochMs): string {
  const at = Date.parse(timestamp)
  if (Number.isNaN(at)) return '<unknown>'
  const seconds = Math.max(0, Math.floor((now - at) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
