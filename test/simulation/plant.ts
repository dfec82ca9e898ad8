import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { PLANTED_BUGS } from './planted-bugs.ts'

/** Where the packages are. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Plants one bug into this process: the module that it names is rewritten as it is loaded. Product code knows nothing
 * of this. To be called before that module is imported for the first time.
 *
 * @throws Error when there is no such bug, or its text is not there exactly once.
 */
export function plant(name: string): void {
  const bug = PLANTED_BUGS.find(each => each.name === name)
  if (!bug) throw new Error(`no bug is named "${name}"`)
  const edits = bug.edits.map(edit => ({ ...edit, path: `${ROOT}${edit.file}` }))
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (!url.startsWith('file:')) return loaded
      const here = edits.filter(({ path }) => path === fileURLToPath(url))
      if (here.length === 0) return loaded
      const source = here.reduce(
        (text, { file, find, replace }) => replaced(text, file, find, replace),
        Buffer.from((loaded.source ?? '') as string).toString('utf8'),
      )
      return { ...loaded, source }
    },
  })
}

/** @throws Error unless the text is there exactly once */
export function replaced(text: string, file: string, find: string, replace: string): string {
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`${file} has ${times} times what is to be replaced by a planted bug: ${find}`)
  return text.replace(find, () => replace)
}
