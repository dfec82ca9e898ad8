import { describe, expect, it } from 'vitest'
import { MemoryStore } from './memory-store.ts'
import { sampleApplication, sampleSource } from './sample-rows.ts'
import { storeConformance } from './store.conformance.ts'

storeConformance('MemoryStore', { open: async () => new MemoryStore() })

describe('MemoryStore', () => {
  it('leaves nothing behind when its disk is made to fail', async () => {
    let full = true
    const store = new MemoryStore({
      beforeCommit: () => {
        if (full) throw new Error('full')
      },
    })
    await expect(store.write(rows => rows.putSource(sampleSource()))).rejects.toThrow('full')
    expect(await store.read(rows => rows.sources())).toEqual([])
    full = false
    await store.write(rows => rows.putSource(sampleSource()))
    expect(await store.read(rows => rows.sources())).toHaveLength(1)
  })

  it('is not changed by whoever changes a row after putting it or after reading it', async () => {
    const store = new MemoryStore()
    const labels = { env: 'prod' }
    await store.write(rows => rows.putApplication(sampleApplication({ labels })))
    labels.env = 'changed'
    const row = await store.read(rows => rows.application('app-1'))
    expect(row?.labels).toEqual({ env: 'prod' })
    expect(() => Object.assign(row!.labels, { env: 'changed' })).toThrow(TypeError)
  })
})
