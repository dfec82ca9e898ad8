import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { PolicySubject } from '@flotilla/core/access/policy-examples'
import { usageError } from '../errors.ts'

const LARGEST_FILE = 4 * 1024 * 1024
const MOST_USERS = 10_000

/**
 * People as a directory lists them: a line each, the user's name and his groups separated by commas; `#` begins a comment.
 *
 * @throws CliError when the file cannot be read, or names nobody or too many.
 */
export async function readPolicyUsers(path: string, cwd: string): Promise<readonly PolicySubject[]> {
  const text = await readText(path, cwd)
  const users = new Map<string, PolicySubject>()
  for (const line of text.split(/\r?\n/)) {
    const [subject = '', ...groups] = line
      .replace(/#.*$/, '')
      .split(',')
      .map(name => name.trim())
    if (subject === '') continue
    users.set(subject, { label: subject, principal: { kind: 'person', subject, groups: groups.filter(Boolean) } })
  }
  if (users.size === 0) throw usageError(`${path} names nobody`, 'write a line each: NAME, GROUP, GROUP')
  if (users.size > MOST_USERS) throw usageError(`${path} names more than ${MOST_USERS} people`)
  return [...users.values()]
}

async function readText(path: string, cwd: string): Promise<string> {
  const file = await open(resolve(cwd, path)).catch(error => {
    throw usageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  })
  try {
    const { size } = await file.stat()
    if (size > LARGEST_FILE) throw usageError(`${path} has more than ${LARGEST_FILE} bytes`)
    return await file.readFile('utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw usageError(`${path} cannot be read: ${error.message}`)
    throw error
  } finally {
    await file.close()
  }
}
