import { lauxlib, lua, type State, to_jsstring, to_luastring } from 'fengari'
import { getKey, type Json, type JsonObject } from '../../json/json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import { HEALTH_STATUSES, type Health } from '../../model/status.ts'
import { type CustomHealthRule, health } from '../health-rule.ts'
import { LUA_LIMITS, openSandbox } from './lua-sandbox.ts'

const DEEPEST = 100
const LARGEST_INTEGER = 2 ** 31
const LONGEST_MESSAGE = 4096

/**
 * A health script as Argo CD takes it (`resource.customizations.health.<group>_<Kind>`): it sees the object as `obj`
 * and returns a table with `status` and `message`. Nothing, or a table without a status, is no opinion.
 *
 * Each object gets a state of its own, so that one says nothing to the next. A script that fails, goes on for too long
 * or answers with another word is Unknown, with the reason.
 *
 * @param now Milliseconds since 1970, for `os.time` and `os.date`.
 */
export function luaHealthRule(source: string, now: () => number): CustomHealthRule {
  let code: Uint8Array | string | undefined
  return {
    assess: object => {
      if (source.length > LUA_LIMITS.source) {
        return health('Unknown', `the script has more than ${LUA_LIMITS.source} characters`)
      }
      code ??= codeOf(source)
      if (typeof code === 'string') return health('Unknown', `Lua: ${code}`)
      const state = openSandbox(now())
      try {
        return run(state, code, object)
      } catch (error) {
        // The machine throws on its own where JavaScript does: a text that is too large, a stack that is too deep.
        return health('Unknown', `Lua: ${error instanceof Error ? error.message : 'the script failed'}`)
      } finally {
        lua.lua_close(state)
      }
    },
  }
}

/** The first mistake in the text of a script; undefined when it can be run. */
export function luaMistake(source: string): string | undefined {
  const code = codeOf(source)
  return typeof code === 'string' ? code : undefined
}

const NAME = to_luastring('=health')
const [TEXT, CODE] = [to_luastring('t'), to_luastring('b')]

/**
 * The script in the machine's own code, or the first mistake in its text. Each object's state reads the code again,
 * which takes a seventh of the time that the text takes.
 */
function codeOf(source: string): Uint8Array | string {
  const state = lauxlib.luaL_newstate()
  const bytes = to_luastring(source)
  if (lauxlib.luaL_loadbufferx(state, bytes, bytes.length, NAME, TEXT) !== lua.LUA_OK) return errorText(state)
  const pieces: Uint8Array[] = []
  lua.lua_dump(
    state,
    (_, piece, size) => {
      pieces.push(piece.slice(0, size))
      return 0
    },
    null,
    false,
  )
  lua.lua_close(state)
  return joined(pieces)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function run(state: State, code: Uint8Array, object: KubernetesObject): Health | undefined {
  push(state, object, 0)
  lua.lua_setglobal(state, to_luastring('obj'))
  if (lauxlib.luaL_loadbufferx(state, code, code.length, NAME, CODE) !== lua.LUA_OK) {
    return health('Unknown', `Lua: ${errorText(state)}`)
  }
  if (lua.lua_pcall(state, 0, 1, 0) !== lua.LUA_OK) return health('Unknown', `Lua: ${errorText(state)}`)
  const type = lua.lua_type(state, -1)
  if (type === lua.LUA_TNIL) return undefined
  if (type !== lua.LUA_TTABLE) return health('Unknown', 'Lua returned something else than a table')
  const said = field(state, 'status')
  if (said === '') return undefined
  const status = HEALTH_STATUSES.find(one => one === said)
  return status === undefined
    ? health('Unknown', 'Lua returned an invalid health status')
    : health(status, field(state, 'message').slice(0, LONGEST_MESSAGE))
}

function errorText(state: State): string {
  return to_jsstring(lauxlib.luaL_tolstring(state, -1), undefined, undefined, true).slice(0, LONGEST_MESSAGE)
}

/** A text or number of the table on top. */
function field(state: State, name: string): string {
  lua.lua_getfield(state, -1, to_luastring(name))
  const bytes = lua.lua_tostring(state, -1)
  lua.lua_settop(state, -2)
  return bytes === null ? '' : to_jsstring(bytes, undefined, undefined, true)
}

/** An absent value and null are the same to Lua: no member of an object, a hole in a list. */
function push(state: State, value: Json, depth: number): void {
  lauxlib.luaL_checkstack(state, 4, null)
  if (value === null || depth > DEEPEST) lua.lua_pushnil(state)
  else if (typeof value === 'string') lua.lua_pushstring(state, to_luastring(value))
  else if (typeof value === 'boolean') lua.lua_pushboolean(state, value)
  else if (typeof value === 'number') pushNumber(state, value)
  else if (typeof value === 'bigint') lua.lua_pushnumber(state, Number(value))
  else if (Array.isArray(value)) pushList(state, value, depth)
  else pushObject(state, value as JsonObject, depth)
}

/** Whole numbers as integers, or messages would say `3.0`; the machine's integers have 32 bits. */
function pushNumber(state: State, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < LARGEST_INTEGER) lua.lua_pushinteger(state, value)
  else lua.lua_pushnumber(state, value)
}

function pushList(state: State, list: readonly Json[], depth: number): void {
  lua.lua_createtable(state, list.length, 0)
  for (const [index, item] of list.entries()) {
    push(state, item, depth + 1)
    lua.lua_rawseti(state, -2, index + 1)
  }
}

function pushObject(state: State, object: JsonObject, depth: number): void {
  lua.lua_createtable(state, 0, 0)
  for (const key of Object.keys(object)) {
    const member = getKey(object, key)
    if (member === undefined || member === null) continue
    lua.lua_pushstring(state, to_luastring(key))
    push(state, member, depth + 1)
    lua.lua_rawset(state, -3)
  }
}
