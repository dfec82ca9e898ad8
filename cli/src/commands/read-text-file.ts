import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CliContext } from '../context.ts'
import { failure } from '../errors.ts'

/** The text of a file, or of standard input for `-`. @throws CliError */
export async function readTextFile(context: CliContext, file: string): Promise<string> {
  if (file === '-') {
    const { text } = await import('node:stream/consumers')
    return await text(process.stdin)
  }
  try {
    return await readFile(resolve(context.cwd, file), 'utf8')
  } catch (error) {
    throw failure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, undefined, error)
  }
}
