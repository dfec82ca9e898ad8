import type { JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { type Api, at } from './api.ts'
import { customResourceDefinitions } from './documents.ts'
import { eventually, ok } from './expectations.ts'

/**
 * Creates a CRD and waits until its resources are served. The condition Established alone is not enough on a real
 * cluster: the handler learns of it a moment later.
 */
export async function establish(admin: Api, definition: JsonObject): Promise<void> {
  const api = admin.inCluster()
  ok(await api.create(customResourceDefinitions, definition), 201)
  const group = at(definition, 'spec', 'group')
  const plural = at(definition, 'spec', 'names', 'plural')
  await eventually(async () => {
    const current = ok(await api.get(customResourceDefinitions, String(at(definition, 'metadata', 'name'))))
    const conditions = (at(current, 'status', 'conditions') ?? []) as readonly JsonObject[]
    expect(conditions.find(one => one['type'] === 'Established')).toMatchObject({ status: 'True' })
    ok(await api.list(`${String(group)}/v1/${String(plural)}`))
  })
}
