import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The Go module: go.mod, go.sum, main.go. */
export const moduleDirectory = fileURLToPath(new URL('../go/', import.meta.url))

/** `$FLOTILLA_CACHE/controlplane`, by default `~/.cache/flotilla/controlplane`. */
export function cacheDirectory(): string {
  return join(process.env['FLOTILLA_CACHE'] ?? join(homedir(), '.cache', 'flotilla'), 'controlplane')
}

/**
 * Names the content that a build would have: the SHA-256 of the module's three files, the toolchain (which names the
 * platform too) and the flags.
 *
 * @param toolchain What `go version` prints.
 * @returns 64 hexadecimal digits.
 */
export async function buildKey(toolchain: string, flags: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'main.go']) {
    const content = await readFile(join(moduleDirectory, file))
    hash.update(`${file} ${content.length}\n`).update(content)
  }
  return hash.update(JSON.stringify([toolchain, flags])).digest('hex')
}
