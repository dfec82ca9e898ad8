import type { ConditionTest, DataRule, Message, Path, Test } from '@flotilla/core/health/data-rule'
import type { Json } from '@flotilla/core/json/json'

/**
 * A rule written as data, as the script that somebody would write for Argo CD: both have to come to the same verdict
 * and message on every object.
 */
export function luaOfRule({ lines, otherwise }: DataRule): string {
  const branches = lines.map(([when, status, message]) => {
    const found = expression(when)
    return [`found = ${found}`, `if found then return ${verdict(status, message)} end`].join('\n')
  })
  return [PRELUDE, 'local found', ...branches, `found = nil`, `return ${verdict(otherwise[0], otherwise[1])}`].join(
    '\n',
  )
}

/** What a script needs to read what others wrote, whatever its shape is. */
const PRELUDE = `
local function at(root, ...)
  local value = root
  for _, key in ipairs({...}) do
    if type(value) ~= "table" then return nil end
    value = value[key]
  end
  return value
end
local function text(value) if type(value) == "string" then return value end return "" end
local function number(value) if type(value) == "number" then return value end return 0 end
local function list(value)
  if type(value) ~= "table" or (next(value) ~= nil and value[1] == nil) then return {} end
  return value
end
local function has(names, name)
  for _, each in ipairs(names) do if each == name then return true end end
  return false
end
local function filled(value)
  if type(value) == "string" then return #value > 0 end
  return type(value) == "table" and next(value) ~= nil
end
local function starts(value, prefix) return string.sub(text(value), 1, #prefix) == prefix end
local function of_other(condition)
  local observed = at(condition, "observedGeneration")
  local generation = at(obj, "metadata", "generation")
  return type(observed) == "number" and type(generation) == "number" and observed ~= generation
end
local function allows(wanted, unwanted, name)
  return (wanted == nil or has(wanted, name)) and not (unwanted ~= nil and has(unwanted, name))
end
local function condition(test, conditions)
  for _, each in ipairs(conditions) do
    if allows(test.types, test.notTypes, text(at(each, "type")))
      and allows(test.statuses, test.notStatuses, text(at(each, "status")))
      and allows(test.reasons, test.notReasons, text(at(each, "reason")))
      and allows(test.messages, nil, text(at(each, "message")))
      and allows(test.severities, test.notSeverities, text(at(each, "severity")))
      and not (test.current and of_other(each)) then
      return each
    end
  end
  return false
end
local function stale(observed, or_missing)
  local generation = at(obj, "metadata", "generation")
  if type(generation) ~= "number" then return false end
  if observed == nil then return or_missing end
  return tostring(observed) ~= tostring(generation)
end
local function count(at_least, tests)
  local left, first = at_least, nil
  for _, test in ipairs(tests) do
    if left == 0 then break end
    local found = test()
    if found then
      if type(found) == "table" and first == nil then first = found end
      left = left - 1
    end
  end
  if left > 0 then return false end
  return first or true
end
local function plain(value)
  if type(value) == "string" then return value end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if type(value) ~= "table" or value[1] == nil then return "" end
  local parts = {}
  for _, each in ipairs(value) do
    if type(each) == "table" then table.insert(parts, "") else table.insert(parts, plain(each)) end
  end
  return table.concat(parts, ", ")
end
local function first_of(values, count)
  for index = 1, count do
    if values[index] ~= nil then return plain(values[index]) end
  end
  return ""
end
local function of_type(name)
  for _, each in ipairs(list(at(obj, "status", "conditions"))) do
    if text(at(each, "type")) == name then return each end
  end
  return nil
end
`

/** False, true or the condition that made it true, as a Lua expression. */
function expression(test: Test): string {
  switch (test.kind) {
    case 'condition':
      return `condition(${conditionTest(test)}, list(${value(test.at ?? ['status', 'conditions'])}))`
    case 'value':
      return `(${test.oneOf.map(one => `${value(test.at)} == ${literal(one)}`).join(' or ') || 'false'})`
    case 'present':
      return `(${value(test.at)} ~= nil)`
    case 'filled':
      return `filled(${value(test.at)})`
    case 'starts':
      return `starts(${value(test.at)}, ${quoted(test.prefix)})`
    case 'compare': {
      const right = typeof test.to === 'number' ? String(test.to) : `number(${value(test.to)})`
      return `(number(${value(test.at)}) ${test.operator === '=' ? '==' : test.operator} ${right})`
    }
    case 'count': {
      const tests = test.of.map(each => `function() return ${expression(each)} end`)
      return `count(${test.atLeast}, {${tests.join(', ')}})`
    }
    case 'stale':
      return `stale(${value(test.at)}, ${test.orMissing})`
    case 'not':
      return `(not ${expression(test.test)})`
  }
}

function conditionTest(test: ConditionTest): string {
  const { kind: _, at: _at, current, ...lists } = test
  const fields = Object.entries(lists).map(
    ([name, texts]) => `${name} = {${(texts as readonly string[]).map(quoted).join(', ')}}`,
  )
  return `{${[...fields, ...(current ? ['current = true'] : [])].join(', ')}}`
}

function verdict(status: string, message: Message | undefined): string {
  if (message === undefined) return `{ status = ${quoted(status)} }`
  return `{ status = ${quoted(status)}, message = ${messageText(message)} }`
}

function messageText(message: Message): string {
  const parts = message.split(/\{([^{}]+)\}/).map((part, index) => (index % 2 === 0 ? quoted(part) : filledIn(part)))
  return parts.filter(part => part !== '""').join(' .. ') || '""'
}

function filledIn(alternatives: string): string {
  const values = alternatives.split('|').map(placeholder)
  return `first_of({${values.map((each, index) => `[${index + 1}] = ${each}`).join(', ')}}, ${values.length})`
}

function placeholder(name: string): string {
  if (name.startsWith("'")) return quoted(name.slice(1, -1))
  if (name === 'kind') return 'obj.kind'
  if (name === 'name') return 'at(obj, "metadata", "name")'
  const [first = '', ...rest] = name.split('.')
  // Of a line that no condition decided there is none to quote.
  if (first === 'condition') return `at(type(found) == "table" and found or nil${arguments_(rest)})`
  if (/^[A-Z]/.test(first)) return `at(of_type(${quoted(first)})${arguments_(rest)})`
  return value([first, ...rest])
}

function value(path: Path): string {
  return `at(obj${arguments_(path)})`
}

function arguments_(path: Path): string {
  return path.map(key => `, ${quoted(key)}`).join('')
}

function literal(value: Json): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new Error(`a rule compares with ${JSON.stringify(value)}, for which no Lua is written here`)
}

/** Lua's own escapes: what is no plain character goes by its bytes. */
function quoted(text: string): string {
  const bytes = [...Buffer.from(text)]
  return `"${bytes.map(byte => (byte < 32 || byte > 126 || byte === 34 || byte === 92 ? `\\${String(byte).padStart(3, '0')}` : String.fromCharCode(byte))).join('')}"`
}
