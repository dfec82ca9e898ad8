import { mkdir, rm, stat, utimes } from 'node:fs/promises'
import { every, sleep, wallClockMs } from './real-time.ts'

/** A holder touches its lock this often … */
const heartbeatMs = 5_000
/** … and one that stays untouched so long belongs to a builder that was killed. */
const staleAfterMs = 30_000

/**
 * Runs `work` while holding a lock that is a directory: making one is atomic on every file system, in containers that
 * share a cache too (where process ids would mean nothing).
 *
 * Two who find the same stale lock at the same instant may both go on; then the work is done twice, and what it makes
 * must be put in place atomically anyway.
 *
 * @param onWait Called once when another holds the lock.
 */
export async function withDirectoryLock<Result>(
  path: string,
  onWait: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  let waited = false
  while (!(await tryMakeDirectory(path))) {
    if (!waited) onWait()
    waited = true
    if (await isStale(path)) await rm(path, { recursive: true, force: true })
    else await sleep(250)
  }
  const stopHeartbeat = every(heartbeatMs, () => {
    const now = wallClockMs() / 1000
    // A lock that someone took for stale is gone; the work goes on, see above.
    utimes(path, now, now).catch(() => stopHeartbeat())
  })
  try {
    return await work()
  } finally {
    stopHeartbeat()
    await rm(path, { recursive: true, force: true })
  }
}

async function tryMakeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    return wallClockMs() - (await stat(path)).mtimeMs > staleAfterMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
