import type { GitRequest } from '@flotilla/generators/inputs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InputAnswers } from './answer-inputs.ts'
import { openMemoryRepository } from './testing/memory-repository.ts'

const asked = { repoURL: 'memory', revision: 'main' }
const requests: readonly GitRequest[] = [
  { ...asked, kind: 'git-directories', rules: [{ path: '*/*', exclude: false }] },
  {
    ...asked,
    kind: 'git-directories',
    rules: [
      { path: '*', exclude: false },
      { path: 'b', exclude: true },
    ],
  },
  { ...asked, kind: 'git-files', dialect: 'doublestar', rules: [{ path: '**/x', exclude: false }] },
]

const content = fc.dictionary(
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('a', 'b', 'x'), fc.constantFrom('x', 'y'))
    .map(path => path.join('/')),
  fc.constantFrom('1', '2'),
  { minKeys: 1, maxKeys: 6 },
)

test('what was remembered of earlier commits changes no answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 5 }), async commits => {
      const { repository, commit } = await openMemoryRepository()
      const mirrors = { open: async () => repository, failure: () => undefined }
      const remembering = new InputAnswers(mirrors)
      for (const files of commits) {
        await commit(files)
        for (const request of requests) {
          expect(await remembering.answer(request)).toEqual(await new InputAnswers(mirrors).answer(request))
        }
      }
    }),
  )
})
