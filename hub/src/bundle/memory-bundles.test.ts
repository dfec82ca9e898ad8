import { describeBundleStore } from './bundle-store.conformance.ts'
import { MemoryBundles } from './memory-bundles.ts'

describeBundleStore('MemoryBundles', async () => {
  let now = 0
  const setTime = (time: number) => {
    now = time
  }
  return { store: new MemoryBundles(() => now), setTime }
})
