import { define, type FunctionGroup, textArgument } from './define.ts'
import { spendText } from './strings.ts'

const base = overPath(text => {
  if (text === '') return '.'
  const trimmed = text.replace(/\/+$/, '')
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1)
})
const dir = overPath(text => cleanPath(text.slice(0, text.lastIndexOf('/') + 1)))
const clean = overPath(cleanPath)
const ext = overPath(text => {
  const name = text.slice(text.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot)
})
const isAbs = define('string', ([path]) => textArgument(path).startsWith('/'))

/** Paths with slashes; those named `os…` are the same, since controllers run on Linux. */
export const PATHS: FunctionGroup = {
  base,
  dir,
  clean,
  ext,
  isAbs,
  osBase: base,
  osDir: dir,
  osClean: clean,
  osExt: ext,
  osIsAbs: isAbs,
}

function overPath(change: (path: string) => string) {
  return define('string', ([path], scope) => change(spendText(textArgument(path), scope)))
}

/** The shortest path to the same place, by its text alone. */
function cleanPath(path: string): string {
  const rooted = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!rooted) parts.push('..')
  }
  return `${rooted ? '/' : ''}${parts.join('/')}` || '.'
}
