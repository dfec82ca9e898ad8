import { isTestFile, lineOf, type Rule, type Violation } from './rule.ts'

/**
 * Who may import whom (docs/architecture.md, "The folders"). Hub and agents never import each other: they meet in
 * core/protocol. Core and generators decide, so they see no file, no network, no process.
 */
interface Workspace {
  readonly folder: string
  readonly name: string
  readonly mayImport: readonly string[]
  /** Node modules a pure workspace may use: values in, values out. */
  readonly pure?: readonly string[]
}

const PURE_MODULES = ['node:crypto', 'node:zlib', 'node:assert', 'node:assert/strict', 'node:util', 'node:buffer']
const EVERYTHING = ['core', 'generators', 'config', 'hub', 'agents', 'cli', 'sim', 'controlplane']

/** The longest folder that a path begins with wins. */
export const WORKSPACES: readonly Workspace[] = [
  { folder: 'core', name: 'core', mayImport: [], pure: PURE_MODULES },
  { folder: 'generators', name: 'generators', mayImport: ['core'], pure: PURE_MODULES },
  { folder: 'config', name: 'config', mayImport: ['core', 'generators'] },
  { folder: 'hub', name: 'hub', mayImport: ['core', 'generators', 'config'] },
  { folder: 'agents', name: 'agents', mayImport: ['core'] },
  { folder: 'test/sim', name: 'sim', mayImport: ['core'] },
  { folder: 'test/controlplane', name: 'controlplane', mayImport: ['core'] },
  { folder: 'cli', name: 'cli', mayImport: EVERYTHING },
  { folder: 'test', name: 'test', mayImport: EVERYTHING },
  { folder: 'scripts', name: 'scripts', mayImport: EVERYTHING },
]

const IMPORT =
  /\b(?:import|export)\s+(?:type\s+)?(?:[^'"();]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

export const arrows: Rule = file => {
  const home = workspaceOf(file.path)
  if (!home || file.path.startsWith('scripts/house-rules/')) return []
  const violations: Violation[] = []
  for (const match of file.text.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? ''
    const message = refusal(home, file.path, specifier)
    if (message) violations.push({ path: file.path, line: lineOf(file.text, match.index), rule: 'arrows', message })
  }
  return violations
}

function refusal(home: Workspace, path: string, specifier: string): string | undefined {
  const test = isTestFile(path)
  const ours = /^@flotilla\/([^/]+)/.exec(specifier)?.[1]
  if (ours !== undefined) {
    const allowed = test ? [...home.mayImport, 'sim', 'controlplane'] : home.mayImport
    return ours === home.name || allowed.includes(ours)
      ? undefined
      : `${home.folder}/ may not import @flotilla/${ours}; it may import ${home.mayImport.join(', ') || 'nothing of ours'}`
  }
  if (specifier.startsWith('.')) {
    const target = resolve(path, specifier)
    const there = workspaceOf(target)
    return there === home ? undefined : `"${specifier}" leaves ${home.folder}/: import the other workspace by its name`
  }
  if (specifier.startsWith('node:') && home.pure && !test && !home.pure.includes(specifier)) {
    return `${home.folder}/ is pure and may not use ${specifier}; take what it gives as a value or a port`
  }
  return undefined
}

function workspaceOf(path: string): Workspace | undefined {
  return WORKSPACES.filter(workspace => path.startsWith(`${workspace.folder}/`)).sort(
    (a, b) => b.folder.length - a.folder.length,
  )[0]
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}
