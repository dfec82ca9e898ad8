import { lauxlib, lua, lualib, type State, to_jsstring, to_luastring } from 'fengari'

/** Bounds of one run of a script. */
export const LUA_LIMITS = {
  /** Characters of a script. */
  source: 256 * 1024,
  /** Instructions of Lua's own machine. */
  steps: 200_000,
  /** Bytes of any text that a script makes. */
  text: 256 * 1024,
  /** Bytes of a pattern, and ways in which it may be tried on a text. */
  pattern: 200,
  tries: 50_000_000,
} as const

/** Number of the machine's instruction that joins texts. */
const CONCAT = 29

/** What reads files, makes code of texts, is not the same each time, or runs for long without an instruction. */
const LEFT_OUT: { readonly [library: string]: readonly string[] } = {
  _G: ['collectgarbage', 'dofile', 'load', 'loadfile', 'loadstring', 'require'],
  math: ['random', 'randomseed'],
  string: ['dump'],
  table: ['move'],
}

/**
 * A state with Lua's `string`, `table` and `math` and two functions of `os`, that stops a script which goes on for too
 * long or makes too much. It has no files, no modules, no clock but `now`, no chance and no output.
 */
export function openSandbox(now: number): State {
  const state = lauxlib.luaL_newstate()
  const open = (name: string, library: Parameters<typeof lauxlib.luaL_requiref>[2]) => {
    lauxlib.luaL_requiref(state, to_luastring(name), library, true)
    for (const one of LEFT_OUT[name] ?? []) {
      lua.lua_pushnil(state)
      lua.lua_setfield(state, -2, to_luastring(one))
    }
  }
  open('_G', lualib.luaopen_base)
  setFunction(state, 'print', () => 0)
  lua.lua_settop(state, 0)
  open('math', lualib.luaopen_math)
  open('table', lualib.luaopen_table)
  wrap(state, 'concat', checkTableConcat)
  // Lua 5.1, which Argo CD has, and 5.3 name these differently.
  setFunction(state, 'getn', one => {
    lua.lua_pushinteger(one, lua.lua_rawlen(one, 1))
    return 1
  })
  open('string', lualib.luaopen_string)
  wrap(state, 'rep', checkRepeat)
  for (const name of ['find', 'match', 'gmatch', 'gsub']) wrap(state, name, checkPattern)
  lua.lua_settop(state, 0)
  openTime(state, now)
  limitSteps(state)
  return state
}

function setFunction(state: State, name: string, run: (state: State) => number): void {
  lua.lua_pushcfunction(state, run)
  lua.lua_setfield(state, -2, to_luastring(name))
}

/** Puts a check before a function of the table on top. */
function wrap(state: State, name: string, check: (state: State) => void): void {
  lua.lua_getfield(state, -1, to_luastring(name))
  lua.lua_pushcclosure(
    state,
    one => {
      check(one)
      lua.lua_pushvalue(one, lua.lua_upvalueindex(1))
      lua.lua_insert(one, 1)
      const parameters = lua.lua_gettop(one) - 1
      lua.lua_call(one, parameters, -1)
      return lua.lua_gettop(one)
    },
    1,
  )
  lua.lua_setfield(state, -2, to_luastring(name))
}

function refuse(state: State, message: string): never {
  lauxlib.luaL_error(state, to_luastring(message))
  throw new Error(message)
}

function refuseText(state: State): never {
  return refuse(state, `a text would have more than ${LUA_LIMITS.text} bytes`)
}

function lengthAt(state: State, index: number): number {
  return lua.lua_type(state, index) === lua.LUA_TSTRING ? lua.lua_rawlen(state, index) : 0
}

function checkRepeat(state: State): void {
  const length = lengthAt(state, 1) + lengthAt(state, 3)
  if (length * lua.lua_tointeger(state, 2) > LUA_LIMITS.text) refuseText(state)
}

function checkTableConcat(state: State): void {
  if (lua.lua_type(state, 1) !== lua.LUA_TTABLE) return
  const items = lua.lua_rawlen(state, 1)
  let length = items * lengthAt(state, 2)
  for (let item = 1; item <= items; item++) {
    lua.lua_rawgeti(state, 1, item)
    length += lengthAt(state, -1)
    lua.lua_settop(state, -2)
    if (length > LUA_LIMITS.text) refuseText(state)
  }
}

/**
 * A pattern with several repetitions can be tried on a text in as many ways as the text can be divided among them, and
 * all that is one instruction. What would be too many is refused beforehand.
 */
function checkPattern(state: State): void {
  const pattern = lua.lua_tostring(state, 2)
  const length = lengthAt(state, 1)
  if (pattern === null) return
  if (pattern.length > LUA_LIMITS.pattern) refuse(state, `a pattern has more than ${LUA_LIMITS.pattern} bytes`)
  let tries = 1
  let repetitions = 0
  for (const byte of pattern) if (REPEATING.has(byte)) tries *= (length + ++repetitions) / repetitions
  if (tries > LUA_LIMITS.tries) refuse(state, 'the pattern could be tried in too many ways on so long a text')
  // What gsub puts in comes once for each place where the pattern fits.
  if (length * replacementLength(state) > LUA_LIMITS.text * 64) refuseText(state)
}

/** `*`, `+`, `-`, `?`. */
const REPEATING: ReadonlySet<number> = new Set([42, 43, 45, 63])

function replacementLength(state: State): number {
  if (lua.lua_type(state, 3) !== lua.LUA_TTABLE) {
    return lua.lua_type(state, 3) === lua.LUA_TFUNCTION ? 256 : lengthAt(state, 3)
  }
  let longest = 0
  lua.lua_pushnil(state)
  while (lua.lua_next(state, 3) !== 0) {
    longest = Math.max(longest, lengthAt(state, -1))
    lua.lua_settop(state, -2)
  }
  return longest
}

function openTime(state: State, now: number): void {
  lua.lua_createtable(state, 0, 2)
  setFunction(state, 'time', one => {
    const at = lua.lua_type(one, 1) === lua.LUA_TTABLE ? timeOfTable(one) : now
    lua.lua_pushnumber(one, Math.floor(at / 1000))
    return 1
  })
  setFunction(state, 'date', one => {
    const format = lua.lua_tostring(one, 1)
    lua.lua_pushstring(one, to_luastring(dateText(format === null ? '%c' : to_jsstring(format), now)))
    return 1
  })
  lua.lua_setglobal(state, to_luastring('os'))
}

function timeOfTable(state: State): number {
  const field = (name: string, otherwise: number) => {
    lua.lua_getfield(state, 1, to_luastring(name))
    const text = lua.lua_type(state, -1) === lua.LUA_TNIL ? undefined : to_jsstring(lauxlib.luaL_tolstring(state, -1))
    lua.lua_settop(state, 1)
    const number = Number(text ?? otherwise)
    return Number.isFinite(number) ? number : otherwise
  }
  return Date.UTC(
    field('year', 1970),
    field('month', 1) - 1,
    field('day', 1),
    field('hour', 12),
    field('min', 0),
    field('sec', 0),
  )
}

function dateText(format: string, now: number): string {
  const iso = new Date(now).toISOString()
  const parts: { readonly [letter: string]: string } = {
    Y: iso.slice(0, 4),
    m: iso.slice(5, 7),
    d: iso.slice(8, 10),
    H: iso.slice(11, 13),
    M: iso.slice(14, 16),
    S: iso.slice(17, 19),
    c: iso.slice(0, 19),
  }
  return format.replace(/^!/, '').replaceAll(/%([A-Za-z])/g, (whole, letter: string) => parts[letter] ?? whole)
}

/**
 * Looks at every instruction. The count is never reset, so that a script which catches the error meets it again at its
 * next instruction.
 */
function limitSteps(state: State): void {
  let left: number = LUA_LIMITS.steps
  lua.lua_sethook(
    state,
    one => {
      if (--left < 0) refuse(one, `the script takes more than ${LUA_LIMITS.steps} steps`)
      const { l_code, l_savedpc, l_base } = one.ci
      const instruction = l_code[l_savedpc - 1]
      if (instruction?.opcode !== CONCAT) return
      let length = 0
      for (let register = instruction.B; register <= instruction.C; register++) {
        const value = one.stack[l_base + register]?.value
        length += textLength(value)
      }
      if (length > LUA_LIMITS.text) refuseText(one)
    },
    lua.LUA_MASKCOUNT,
    1,
  )
}

/** A text of the machine: an object that holds its bytes. */
function textLength(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('realstring' in value)) return 0
  return value.realstring instanceof Uint8Array ? value.realstring.length : 0
}
