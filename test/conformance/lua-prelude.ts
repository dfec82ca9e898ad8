/**
 * What scripts made of rules share: readers of what others wrote, whatever its shape is. A scope (`s`) is what a test or
 * a message sees: the entry and the condition that it is about, and what has been worked out.
 */
const FUNCTIONS: { readonly [name: string]: string } = {
  at: `
local function at(root, ...)
  local value = root
  for _, key in ipairs({...}) do
    if type(value) ~= "table" then return nil end
    value = value[key]
  end
  return value
end`,
  text: `
local function text(value) if type(value) == "string" then return value end return "" end`,
  number: `
local function number(value)
  if value == nil then return 0 end
  if type(value) == "number" then return value end
  if type(value) == "string" and (string.match(value, "^%-?%d+$") or string.match(value, "^%-?%d+%.%d+$")) then
    return tonumber(value)
  end
  return 0/0
end`,
  is_number: `
local function is_number(value)
  local found = number(value)
  return value ~= nil and found == found
end`,
  list: `
local function list(value)
  if type(value) ~= "table" or (next(value) ~= nil and value[1] == nil) then return {} end
  return value
end`,
  entries: `
local function entries(value)
  if type(value) ~= "table" then return {} end
  if next(value) == nil or value[1] ~= nil then return value end
  local keys, found = {}, {}
  for key in pairs(value) do table.insert(keys, key) end
  table.sort(keys)
  for _, key in ipairs(keys) do table.insert(found, value[key]) end
  return found
end`,
  flat: `
local function flat(list, make)
  local found = {}
  for _, each in ipairs(list) do
    for _, one in ipairs(make(each)) do table.insert(found, one) end
  end
  return found
end`,
  filled: `
local function filled(value)
  if type(value) == "string" then return #value > 0 end
  return type(value) == "table" and next(value) ~= nil
end`,
  has: `
local function has(names, name)
  for _, each in ipairs(names) do if each == name then return true end end
  return false
end`,
  about: `
local function about(s, entry, index)
  return { outer = s, level = s.level + 1, entry = entry, index = index, known = {} }
end`,
  named: `
local function named(s, level, name, make)
  while s.level > level do s = s.outer end
  if s.known[name] == nil then s.known[name] = { make(s) } end
  return s.known[name][1]
end`,
  scope_of: `
local function scope_of(found, s) if type(found) == "table" then return found end return s end`,
  starts: `
local function starts(value, prefix) return string.sub(text(value), 1, #prefix) == prefix end`,
  condition: `
local function of_other(condition)
  local observed = at(condition, "observedGeneration")
  local generation = at(obj, "metadata", "generation")
  return type(observed) == "number" and type(generation) == "number" and observed ~= generation
end
local function allows(wanted, unwanted, name)
  return (wanted == nil or has(wanted, name)) and not (unwanted ~= nil and has(unwanted, name))
end
local function condition(s, test, conditions)
  for _, each in ipairs(list(conditions)) do
    if allows(test.types, test.notTypes, text(at(each, "type")))
      and allows(test.statuses, test.notStatuses, text(at(each, "status")))
      and allows(test.reasons, test.notReasons, text(at(each, "reason")))
      and allows(test.messages, nil, text(at(each, "message")))
      and allows(test.severities, test.notSeverities, text(at(each, "severity")))
      and not (test.current and of_other(each)) then
      return { outer = s.outer, level = s.level, entry = s.entry, index = s.index, condition = each, known = s.known }
    end
  end
  return false
end`,
  stale: `
local function stale(observed, or_missing)
  local generation = at(obj, "metadata", "generation")
  if type(generation) ~= "number" then return false end
  if observed == nil then return or_missing end
  return tostring(observed) ~= tostring(generation)
end`,
  recent: `
local function recent(value, seconds)
  local pattern = "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)Z$"
  local year, month, day, hour, min, sec = string.match(text(value), pattern)
  if year == nil then return false end
  local time = os.time({ year = year, month = month, day = day, hour = hour, min = min, sec = sec })
  return os.time() - time < seconds
end`,
  earlier: `
local function earlier(value, than) return text(value) ~= "" and text(value) < text(than) end`,
  all: `
local function all(tests)
  local first = true
  for _, test in ipairs(tests) do
    local found = test()
    if not found then return false end
    if first == true then first = found end
  end
  return first
end`,
  any: `
local function any(tests)
  for _, test in ipairs(tests) do
    local found = test()
    if found then return found end
  end
  return false
end`,
  some: `
local function some(s, list, where)
  for index, each in ipairs(list) do
    local inner = about(s, each, index)
    local found = where(inner)
    if found then return scope_of(found, inner) end
  end
  return false
end`,
  chosen: `
local function chosen(s, list, where)
  local found = {}
  for index, each in ipairs(list) do
    local inner = about(s, each, index)
    if where == nil or where(inner) then table.insert(found, inner) end
  end
  return found
end`,
  join: `
local function join(scopes, each, last, separator)
  local texts = {}
  for _, inner in ipairs(scopes) do
    table.insert(texts, each(inner))
    if last ~= nil and last(inner) then break end
  end
  return table.concat(texts, separator)
end`,
  join_texts: `
local function join_texts(texts, separator)
  local found = {}
  for _, each in ipairs(texts) do if each ~= "" then table.insert(found, each) end end
  return table.concat(found, separator)
end`,
  sum: `
local function sum(numbers)
  local total = 0
  for _, each in ipairs(numbers) do
    local one = number(each)
    if one == one then total = total + one end
  end
  return total
end`,
  part: `
local function part(value, separator, index)
  if type(value) ~= "string" then return nil end
  local from = 1
  for _ = 1, index do
    local found, to = string.find(value, separator, from, true)
    if found == nil then return nil end
    from = to + 1
  end
  local found = string.find(value, separator, from, true)
  return string.sub(value, from, found and found - 1 or -1)
end`,
  start: `
local function start(value, length)
  if type(value) ~= "string" then return nil end
  return string.sub(value, 1, length)
end`,
  plain: `
local function plain(value)
  if type(value) == "string" then return value end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if type(value) ~= "table" or value[1] == nil then return "" end
  local parts = {}
  for _, each in ipairs(value) do
    if type(each) == "table" then table.insert(parts, "") else table.insert(parts, plain(each)) end
  end
  return table.concat(parts, ", ")
end`,
  scalar: `
local function scalar(value) if type(value) == "table" then return "" end return plain(value) end`,
  first_of: `
local function first_of(values, count)
  for index = 1, count do
    if values[index] ~= nil then return plain(values[index]) end
  end
  return ""
end`,
  first_filled: `
local function first_filled(values, count)
  for index = 1, count do
    if values[index] ~= nil and values[index] ~= "" then return values[index] end
  end
  return nil
end`,
  of_type: `
local function of_type(name)
  for _, each in ipairs(list(at(obj, "status", "conditions"))) do
    if text(at(each, "type")) == name then return each end
  end
  return nil
end`,
}

/** The functions that a script calls, and those that they call, in an order in which each is known when it is read. */
export function preludeOf(script: string): string {
  const names = Object.keys(FUNCTIONS)
  const needed = new Set<string>()
  const need = (text: string, self: string) => {
    for (const name of names) {
      if (name === self || needed.has(name) || !new RegExp(`(?<![\\w.])${name}\\(`).test(text)) continue
      needed.add(name)
      need(FUNCTIONS[name]!, name)
    }
  }
  need(script, '')
  return ordered(names.filter(name => needed.has(name)))
    .map(name => FUNCTIONS[name])
    .join('')
}

function ordered(names: readonly string[]): readonly string[] {
  const placed: string[] = []
  const place = (name: string) => {
    if (placed.includes(name)) return
    for (const other of names) {
      if (other !== name && new RegExp(`(?<![\\w.])${other}\\(`).test(FUNCTIONS[name]!)) place(other)
    }
    placed.push(name)
  }
  for (const name of names) place(name)
  return placed
}
