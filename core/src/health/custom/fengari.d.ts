/** As much of Lua's C interface, in JavaScript, as is used here. Texts of Lua are bytes. */
declare module 'fengari' {
  export interface State {
    readonly ci: {
      readonly l_code: readonly { readonly opcode: number; readonly B: number; readonly C: number }[]
      readonly l_savedpc: number
      readonly l_base: number
    }
    readonly stack: readonly { readonly value: unknown }[]
  }
  export type CFunction = (state: State) => number
  export function to_luastring(text: string): Uint8Array
  export function to_jsstring(bytes: Uint8Array, from?: number, to?: number, replacement?: boolean): string
  export const lua: {
    readonly LUA_MASKCOUNT: number
    readonly LUA_OK: number
    readonly LUA_TNIL: number
    readonly LUA_TSTRING: number
    readonly LUA_TTABLE: number
    readonly LUA_TFUNCTION: number
    lua_close(state: State): void
    lua_sethook(state: State, hook: (state: State, event: unknown) => void, mask: number, count: number): void
    lua_createtable(state: State, items: number, members: number): void
    lua_pushnil(state: State): void
    lua_pushboolean(state: State, value: boolean): void
    lua_pushinteger(state: State, value: number): void
    lua_pushnumber(state: State, value: number): void
    lua_pushstring(state: State, text: Uint8Array): void
    lua_pushcfunction(state: State, run: CFunction): void
    lua_pushcclosure(state: State, run: CFunction, upvalues: number): void
    lua_pushvalue(state: State, index: number): void
    lua_rawset(state: State, index: number): void
    lua_rawseti(state: State, index: number, item: number): void
    lua_rawgeti(state: State, index: number, item: number): number
    lua_rawlen(state: State, index: number): number
    lua_getfield(state: State, index: number, name: Uint8Array): number
    lua_setfield(state: State, index: number, name: Uint8Array): void
    lua_setglobal(state: State, name: Uint8Array): void
    lua_getglobal(state: State, name: Uint8Array): number
    lua_gettop(state: State): number
    lua_insert(state: State, index: number): void
    lua_settop(state: State, index: number): void
    lua_type(state: State, index: number): number
    lua_next(state: State, index: number): number
    lua_tointeger(state: State, index: number): number
    lua_tostring(state: State, index: number): Uint8Array | null
    lua_dump(
      state: State,
      write: (state: State, bytes: Uint8Array, size: number) => number,
      data: null,
      strip: boolean,
    ): number
    lua_call(state: State, parameters: number, results: number): void
    lua_pcall(state: State, parameters: number, results: number, handler: number): number
    lua_upvalueindex(index: number): number
  }
  export const lauxlib: {
    luaL_newstate(): State
    luaL_checkstack(state: State, more: number, message: Uint8Array | null): void
    luaL_loadbufferx(state: State, source: Uint8Array, length: number, name: Uint8Array, mode: Uint8Array): number
    luaL_requiref(state: State, name: Uint8Array, open: CFunction, global: boolean): void
    luaL_error(state: State, message: Uint8Array): number
    luaL_tolstring(state: State, index: number): Uint8Array
  }
  export const lualib: {
    readonly luaopen_base: CFunction
    readonly luaopen_string: CFunction
    readonly luaopen_table: CFunction
    readonly luaopen_math: CFunction
  }
}
