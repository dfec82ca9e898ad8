import { sha256 } from '@flotilla/core/json/canonical-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { BundleFiles } from '../bundle-files.ts'

/* Run by a test in a process that may not write large files: stores one Bundle that does not fit, then one that does. */

const clock = new VirtualClock({ startAt: 0, settle: async () => undefined })
const random = seededRandom(1)
const store = new BundleFiles({ dataDirectory: process.argv[2] ?? '', key: new Uint8Array(32), random, clock })
const large = random.bytes(1_000_000)
const error = await store.put(sha256(large), large).then(
  () => undefined,
  caught => caught,
)
const stored = (await store.list()).map(entry => entry.digest)
const small = new TextEncoder().encode('small')
await store.put(sha256(small), small)
const readBack = new TextDecoder().decode(await store.get(sha256(small)))
process.stdout.write(JSON.stringify({ code: error?.code, retry: error?.retry, stored, readBack }))
