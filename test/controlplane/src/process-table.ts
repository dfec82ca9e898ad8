import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * What tells a process from a later one with the same id: its start time, as the system writes it.
 *
 * @returns undefined when no such process runs.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return ask(pid, 'lstart=')
  const status = await readIfThere(`/proc/${pid}/stat`)
  // Counted from field 3, after the program's name, which stands in parentheses and may hold spaces.
  const fields = status?.slice(status.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended, and waits for a parent that may never ask.
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
}

/** The arguments of a running process, joined by spaces; undefined when no such process runs. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return ask(pid, 'command=')
  const text = await readIfThere(`/proc/${pid}/cmdline`)
  return text === undefined || text === '' ? undefined : text.split('\0').join(' ')
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

async function ask(pid: number, field: string): Promise<string | undefined> {
  try {
    return (await execute('ps', ['-o', field, '-p', String(pid)])).stdout.trim() || undefined
  } catch (error) {
    // ps exits with 1 when there is no such process.
    if ((error as { code?: unknown }).code === 1) return undefined
    throw error
  }
}
