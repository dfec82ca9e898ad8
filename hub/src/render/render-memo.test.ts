import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { RenderResult } from '@flotilla/core/ports/renderer'
import { describe, expect, it } from 'vitest'
import { MemoryBundles } from '../bundle/memory-bundles.ts'
import type { MemoryFile } from '../source/git/memory-backend.ts'
import { openMemoryRepository } from '../source/testing/memory-repository.ts'
import { directoryRenderer } from './directory-renderer.ts'
import { RenderMemo } from './render-memo.ts'

const manifest = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`

async function setUp(bundles: BundleStore = new MemoryBundles(() => 0)) {
  const entries = new Map<string, Digest>()
  const index = {
    get: (key: string) => entries.get(key),
    put: (key: string, digest: Digest) => void entries.set(key, digest),
  }
  const { repository, commit } = await openMemoryRepository()
  const memo = new RenderMemo({ renderer: directoryRenderer(), bundles, index })
  const render = async (files: Readonly<Record<string, MemoryFile>>, path = 'a') =>
    memo.render({ source: { repoURL: 'memory', path }, repository, commit: await commit(files) })
  return { memo, bundles, entries, repository, commit, render }
}

describe('RenderMemo', () => {
  it('renders equal folders once, whatever commit or path they stand at', async () => {
    const { memo, render } = await setUp()
    const first = await render({ 'a/x.yaml': manifest('x') })
    const second = await render({ 'a/x.yaml': manifest('x'), 'b/x.yaml': manifest('x') }, 'b')
    expect(first.kind).toBe('rendered')
    expect(second).toMatchObject({ kind: 'remembered', digest: 'digest' in first && first.digest })
    expect(memo.counters).toEqual({ keys: 2, renders: 1, remembered: 1 })
  })

  it('shares one rendering among callers at the same time', async () => {
    const { memo, repository, commit } = await setUp()
    const input = {
      source: { repoURL: 'memory', path: 'a' },
      repository,
      commit: await commit({ 'a/x.yaml': manifest('x') }),
    }
    const results = await Promise.all([memo.render(input), memo.render(input), memo.render(input)])
    expect(new Set(results.map(result => 'digest' in result && result.digest)).size).toBe(1)
    expect(memo.counters.renders).toBe(1)
  })

  it('renders again when the Bundle was swept', async () => {
    const { memo, bundles, render } = await setUp()
    const first = await render({ 'a/x.yaml': manifest('x') })
    if (first.kind !== 'rendered') throw new Error(first.kind)
    await bundles.delete(first.digest)
    expect(await render({ 'a/x.yaml': manifest('x') })).toMatchObject({ kind: 'rendered', digest: first.digest })
    expect(await bundles.has(first.digest)).toBe(true)
    expect(memo.counters.renders).toBe(2)
  })

  it('remembers no failure, and nothing whose Bundle could not be stored', async () => {
    const full = new MemoryBundles(() => 0)
    full.put = () => Promise.reject(new Error('disk full'))
    const { entries, render } = await setUp(full)
    expect(await render({ 'a/x.yaml': 'broken' })).toMatchObject({ kind: 'failed' } satisfies Partial<RenderResult>)
    await expect(render({ 'a/x.yaml': manifest('x') })).rejects.toThrow('disk full')
    expect(entries.size).toBe(0)
  })

  it('names a Bundle by its bytes', async () => {
    const { bundles, render } = await setUp()
    const result = await render({ 'a/x.yaml': manifest('x') })
    if (result.kind !== 'rendered') throw new Error(result.kind)
    expect(sha256((await bundles.get(result.digest))!)).toBe(result.digest)
  })
})
