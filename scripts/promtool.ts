import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Why there is no promtool here. */
export class PromtoolUnavailable extends Error {}

/**
 * The path of promtool: `$FLOTILLA_PROMTOOL`, the one in the PATH, or that of Debian's package `prometheus`, unpacked
 * into the cache without installing anything.
 *
 * @throws PromtoolUnavailable
 */
export async function findPromtool(): Promise<string> {
  const given = process.env['FLOTILLA_PROMTOOL']
  for (const path of [given, 'promtool'].filter(each => each !== undefined)) {
    if (await works(path)) return path
  }
  const home = join(process.env['FLOTILLA_CACHE'] ?? join(homedir(), '.cache', 'flotilla'), 'promtool')
  const path = join(home, 'usr', 'bin', 'promtool')
  if (existsSync(path) && (await works(path))) return path
  await mkdir(join(home, '..'), { recursive: true })
  const folder = await mkdtemp(`${home}-`)
  try {
    await run('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: 120_000 })
    const archive = (await readdir(folder)).find(name => name.endsWith('.deb'))
    if (archive === undefined) throw new Error('apt-get downloaded nothing')
    await run('dpkg', ['-x', archive, 'unpacked'], { cwd: folder, timeout: 120_000 })
    await rm(home, { recursive: true, force: true })
    await rename(join(folder, 'unpacked'), home)
  } catch (error) {
    // Somebody else may have been faster.
    if (existsSync(path)) return path
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new PromtoolUnavailable(`promtool: neither in the PATH nor to be had from Debian's "prometheus" (${why})`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return path
}

/** What it says, and whether it is content. */
export async function promtool(
  path: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  return await run(path, [...args], { cwd, timeout: 120_000 }).then(
    ({ stdout, stderr }) => ({ ok: true, text: stdout + stderr }),
    (error: { stdout?: string; stderr?: string }) => ({ ok: false, text: `${error.stdout}${error.stderr}` }),
  )
}

async function works(path: string): Promise<boolean> {
  return await run(path, ['--version'], { timeout: 60_000 }).then(
    () => true,
    () => false,
  )
}
