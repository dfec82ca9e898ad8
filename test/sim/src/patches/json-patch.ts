import { cloneJson, equalJson, isJsonObject, type Json, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { at } from '../objects/drafts.ts'

/** A patch that cannot be read (`malformed`), or that does not fit the object. */
export class JsonPatchError extends Error {
  readonly malformed: boolean
  constructor(message: string, malformed = false) {
    super(message)
    this.malformed = malformed
  }
}

/** Most operations a patch may have. */
const MAXIMUM_OPERATIONS = 10_000

/** RFC 6902, all operations or none. @throws JsonPatchError */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) throw new JsonPatchError('a JSON patch is a list of operations', true)
  if (operations.length > MAXIMUM_OPERATIONS)
    throw new JsonPatchError(
      `The allowed maximum operations in a JSON patch is ${MAXIMUM_OPERATIONS}, got ${operations.length}`,
      true,
    )
  let document: Json = cloneJson(target)
  for (const operation of operations as readonly Json[]) {
    if (!isJsonObject(operation)) throw new JsonPatchError('an operation of a JSON patch is an object', true)
    document = perform(document, String(operation['op'] ?? ''), operation)
  }
  return document
}

function perform(document: Json, name: string, operation: Json): Json {
  const path = parsePointer(at(operation, 'path'))
  const value = at(operation, 'value')
  switch (name) {
    case 'add':
      return write(document, path, needed(value, name), 'add')
    case 'replace':
      // A member that is not there is put there, as the API server does; an item of a list must be there.
      if (Array.isArray(find(document, path.slice(0, -1)))) read(document, path, name)
      return write(document, path, needed(value, name), 'replace')
    case 'remove':
      read(document, path, name)
      return write(document, path, undefined, 'remove')
    case 'test':
      if (!equalJson(find(document, path) ?? null, value ?? null)) {
        throw new JsonPatchError(`testing value ${pointerText(path)} failed: test failed`)
      }
      return document
    case 'copy':
      return write(document, path, cloneJson(read(document, parsePointer(at(operation, 'from')), name)), 'add')
    case 'move': {
      const from = parsePointer(at(operation, 'from'))
      const moved = read(document, from, name)
      return write(write(document, from, undefined, 'remove'), path, moved, 'add')
    }
    default:
      throw new JsonPatchError(`Unexpected kind: ${name}`)
  }
}

function needed(value: Json | undefined, name: string): Json {
  if (value === undefined) throw new JsonPatchError(`${name} operation does not have a value`)
  return cloneJson(value)
}

function parsePointer(pointer: Json | undefined): readonly string[] {
  if (typeof pointer !== 'string') throw new JsonPatchError('missing path', true)
  if (pointer === '') return []
  if (!pointer.startsWith('/')) throw new JsonPatchError(`path ${JSON.stringify(pointer)} does not begin with "/"`)
  return pointer
    .slice(1)
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function pointerText(path: readonly string[]): string {
  return path.map(part => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function find(document: Json, path: readonly string[]): Json | undefined {
  let current: Json | undefined = document
  for (const part of path) {
    if (Array.isArray(current)) current = /^\d+$/.test(part) ? (current as readonly Json[])[Number(part)] : undefined
    else if (isJsonObject(current)) current = Object.hasOwn(current, part) ? current[part] : undefined
    else return undefined
  }
  return current
}

function read(document: Json, path: readonly string[], name: string): Json {
  const value = find(document, path)
  if (value === undefined) {
    throw new JsonPatchError(
      `${name} operation does not apply: doc is missing path: ${pointerText(path)}: missing value`,
    )
  }
  return value
}

function write(
  document: Json,
  path: readonly string[],
  value: Json | undefined,
  mode: 'add' | 'replace' | 'remove',
): Json {
  if (path.length === 0) {
    if (value === undefined) throw new JsonPatchError('the whole document cannot be removed')
    return value
  }
  const parent = find(document, path.slice(0, -1))
  const key = path[path.length - 1]!
  if (Array.isArray(parent)) writeItem(parent as Json[], key, value, mode, path)
  else if (isJsonObject(parent)) {
    if (mode === 'remove') delete (parent as MutableJsonObject)[key]
    else setKey(parent as MutableJsonObject, key, value)
  } else {
    throw new JsonPatchError(
      `${mode} operation does not apply: doc is missing path: "${pointerText(path)}": missing value`,
    )
  }
  return document
}

function writeItem(list: Json[], key: string, value: Json | undefined, mode: string, path: readonly string[]): void {
  const index = key === '-' && mode === 'add' ? list.length : /^\d+$/.test(key) ? Number(key) : -1
  if (index < 0 || index > list.length || (mode !== 'add' && index === list.length)) {
    throw new JsonPatchError(
      `${mode} operation does not apply: doc is missing path: "${pointerText(path)}": Unable to access invalid index: ${key}`,
    )
  }
  if (mode === 'add') list.splice(index, 0, value!)
  else if (mode === 'remove') list.splice(index, 1)
  else list[index] = value!
}
