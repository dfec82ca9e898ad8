import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { managersToTakeOver, takeOverFields } from './take-over.ts'

const KUBECTL = entry('kubectl-client-side-apply', 'Update', { 'f:data': { '.': {}, 'f:a': {} } })
const HELM = entry('helm', 'Update', { 'f:data': { 'f:b': {} }, 'f:metadata': { 'f:labels': {} } })
const CONTROLLER = entry('kube-controller-manager', 'Update', { 'f:status': {} })

describe('managersToTakeOver', () => {
  it('names the predecessors before our first apply', () => {
    expect(managersToTakeOver(live(KUBECTL, CONTROLLER, HELM), 'flotilla')).toEqual([
      'helm',
      'kubectl-client-side-apply',
    ])
  })

  it('names none once we have applied', () => {
    expect(managersToTakeOver(live(KUBECTL, entry('flotilla', 'Apply', {})), 'flotilla')).toEqual([])
  })

  it('leaves a status alone', () => {
    expect(managersToTakeOver(live({ ...KUBECTL, subresource: 'status' }), 'flotilla')).toEqual([])
  })
})

describe('takeOverFields', () => {
  it('merges the predecessors’ fields into one entry of ours and keeps the others', () => {
    expect(takeOverFields(live(KUBECTL, CONTROLLER, HELM), 'flotilla', ['kubectl-client-side-apply', 'helm'])).toEqual([
      {
        manager: 'flotilla',
        operation: 'Apply',
        apiVersion: 'v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} }, 'f:metadata': { 'f:labels': {} } },
      },
      CONTROLLER,
    ])
  })
})

function entry(manager: string, operation: string, fieldsV1: JsonObject): JsonObject {
  return { manager, operation, apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 }
}

function live(...managedFields: readonly JsonObject[]): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', managedFields } }
}
