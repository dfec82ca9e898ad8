import { describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Health } from '../../model/status.ts'
import { assessHealth } from '../assess-health.ts'
import { argoHealthScripts, argoHealthScriptsOfMap, loadCustomRules } from './custom-rules.ts'
import { luaHealthRule } from './lua-rule.ts'

const NOON = Date.parse('2026-01-01T12:00:00Z')

const THING: KubernetesObject = {
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'a', generation: 3 },
  status: {
    phase: 'Running',
    replicas: 3,
    large: 8575574967,
    half: 0.5,
    gone: null,
    conditions: [{ type: 'Ready', status: 'True', message: 'up' }, null],
  },
}

const ROWS: { readonly [sentence: string]: { readonly script: string; readonly expected: Health | undefined } } = {
  'a table with a status and a message': {
    script: 'local hs = {} hs.status = "Degraded" hs.message = obj.status.conditions[1].message return hs',
    expected: { status: 'Degraded', message: 'up' },
  },
  'whole numbers have no point': {
    script: 'return { status = "Healthy", message = obj.status.replicas .. "/" .. obj.metadata.generation }',
    expected: { status: 'Healthy', message: '3/3' },
  },
  'null is nothing, in an object and in a list': {
    script: 'return { status = "Healthy", message = tostring(obj.status.gone) .. #obj.status.conditions }',
    expected: { status: 'Healthy', message: 'nil1' },
  },
  'goto, tonumber, string and table functions': {
    script: `
      local names = {}
      for _, c in ipairs(obj.status.conditions) do
        if c.type ~= "Ready" then goto continue end
        table.insert(names, string.lower(c.type))
        ::continue::
      end
      return { status = "Healthy", message = table.concat(names, ",") .. table.getn(names) .. math.floor(2.5) }`,
    expected: { status: 'Healthy', message: 'ready12' },
  },
  'the time is the one it is given': {
    script: `
      local y, mo, d, h, mi, s = string.match("2026-01-01T11:59:00Z", "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z")
      local then_ = os.time({ year = y, month = mo, day = d, hour = h, min = mi, sec = s })
      return { status = "Healthy", message = os.date("!%Y-%m-%dT%H:%M:%SZ") .. (os.time() - then_ == 60 and " ok" or " no") }`,
    expected: { status: 'Healthy', message: '2026-01-01T12:00:00Z ok' },
  },
  'code of the machine is no script': {
    script: '\u001bLua S',
    expected: { status: 'Unknown', message: "Lua: attempt to load a binary chunk (mode is 't')" },
  },
  'nothing is no opinion': { script: 'return nil', expected: undefined },
  'an empty table is no opinion': { script: 'return {}', expected: undefined },
  'another word is Unknown': {
    script: 'return { status = "Fine" }',
    expected: { status: 'Unknown', message: 'Lua returned an invalid health status' },
  },
  'a text is Unknown': {
    script: 'return "Healthy"',
    expected: { status: 'Unknown', message: 'Lua returned something else than a table' },
  },
  'a mistake while it runs is Unknown with its line': {
    script: 'return obj.nothing.there',
    expected: { status: 'Unknown', message: "Lua: health:1: attempt to index a nil value (field 'nothing')" },
  },
  'printing does nothing': { script: 'print("x") return { status = "Healthy" }', expected: { status: 'Healthy' } },
  'there are no files, processes, modules, code of texts, and no chance': {
    script: `
      local found = {}
      for _, name in ipairs({ "io", "require", "load", "loadstring", "dofile", "loadfile", "debug", "package", "coroutine" }) do
        if _G[name] ~= nil then table.insert(found, name) end
      end
      for _, one in ipairs({ os.execute, os.getenv, os.exit, math.random, string.dump, table.move }) do table.insert(found, "f") end
      return { status = #found == 0 and "Healthy" or "Degraded", message = table.concat(found, " ") }`,
    expected: { status: 'Healthy' },
  },
}

const STOPPED: { readonly [sentence: string]: { readonly script: string; readonly because: string } } = {
  'a loop without an end': { script: 'while true do end', because: 'more than 200000 steps' },
  'a loop that catches its end': {
    script: 'while true do pcall(function() while true do end end) end',
    because: 'more than 200000 steps',
  },
  'a function that calls itself': {
    script: 'local function f() return f() end return f()',
    because: 'more than 200000 steps',
  },
  'a deep recursion': { script: 'local function f() return 1 + f() end return f()', because: 'more than 200000 steps' },
  'a text that doubles': { script: 'local s = "x" while true do s = s .. s end', because: 'more than 262144 bytes' },
  'a text that is repeated': { script: 'return string.rep("x", 2000000000)', because: 'more than 262144 bytes' },
  'a text that is repeated as a method': { script: 'return ("x"):rep(1e9)', because: 'more than 262144 bytes' },
  'a list of large texts that is joined': {
    script: 'local t, s = {}, string.rep("x", 200000) for i = 1, 100 do t[i] = s end return table.concat(t)',
    because: 'more than 262144 bytes',
  },
  'a pattern that never comes to an end': {
    script: 'return string.find(string.rep("a", 5000), ".-.-.-.-.-.-.-b")',
    because: 'too many ways',
  },
  'a replacement that explodes': {
    script: 'return string.gsub(string.rep("a", 200000), "a", string.rep("b", 200000))',
    because: 'more than 262144 bytes',
  },
}

describe('luaHealthRule', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { script, expected }) => {
    expect(luaHealthRule(script, () => NOON).assess(THING)).toEqual(expected)
  })

  it.each(Object.entries(STOPPED))('stops %s', (_sentence, { script, because }) => {
    const answer = luaHealthRule(script, () => NOON).assess(THING)
    expect(answer?.status).toBe('Unknown')
    expect(answer?.message).toContain(because)
  })

  it('remembers nothing from one object to the next', () => {
    const rule = luaHealthRule(
      'count = (count or 0) + 1 return { status = "Healthy", message = tostring(count) }',
      () => 0,
    )
    rule.assess(THING)
    expect(rule.assess(THING)?.message).toBe('1')
  })

  it('never throws on a deep object', () => {
    let deep: KubernetesObject = THING
    for (let level = 0; level < 500; level++) deep = { ...THING, spec: deep }
    expect(luaHealthRule('return { status = "Healthy" }', () => 0).assess(deep)).toEqual({ status: 'Healthy' })
  })
})

describe('loadCustomRules', () => {
  it('takes the health scripts of an argocd-cm as they stand', async () => {
    const sources = argoHealthScripts({
      'resource.customizations.health.example.com_Thing': 'return { status = "Suspended" }',
      'resource.customizations.health.Service': 'return nil',
      'resource.customizations.health.*.example.org_*': 'return { status = "Degraded" }',
      'resource.customizations.useOpenLibs.example.com_Thing': 'true',
      url: 'https://argocd.example.com',
    })
    const { table, mistakes } = await loadCustomRules(sources, () => 0)
    expect(mistakes).toEqual([])
    expect(table.keys).toEqual(['*.example.org/*', 'Service', 'example.com/Thing'])
    expect(assessHealth(THING, { custom: table })).toEqual({ status: 'Suspended' })
    const service = { apiVersion: 'v1', kind: 'Service', metadata: {}, spec: { type: 'ClusterIP' } }
    expect(assessHealth(service, { custom: table })).toEqual({ status: 'Healthy' })
    expect(assessHealth({ ...THING, apiVersion: 'a.example.org/v1' }, { custom: table })?.status).toBe('Degraded')
  })

  it('takes the older form too', () => {
    const customizations = { 'example.com/Thing': { 'health.lua': 'return nil', ignoreDifferences: '' } }
    expect(argoHealthScriptsOfMap(customizations)).toEqual([{ kind: 'example.com/Thing', lua: 'return nil' }])
  })

  it('tells a mistake in a script and keeps the other rules', async () => {
    const { table, mistakes } = await loadCustomRules(
      [
        { kind: 'a.io/A', lua: 'return {' },
        { kind: 'b.io/B', lua: 'return nil' },
      ],
      () => 0,
    )
    expect(mistakes).toEqual([{ kind: 'a.io/A', message: expect.stringContaining('health:1:') }])
    expect(table.keys).toEqual(['b.io/B'])
  })
})
