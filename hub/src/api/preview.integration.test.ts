import request from 'supertest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PreviewError } from '../preview/preview.ts'
import type { ApiActions } from './route.ts'
import { openTestApi, type TestApi } from './test-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await openTestApi(
    {},
    {
      // No other route is asked here.
      actions: {
        previewChange: async ({ source = '', documents }) => {
          if (source === 'busy') throw new PreviewError('PREVIEW_BUSY', 'preview', 'another one is being made')
          if (source === 'nobody') throw new PreviewError('SOURCE_UNKNOWN', 'config source "nobody"', 'there is none')
          if (documents === 'defect') throw new TypeError('undefined is not a function')
          return { created: [], updated: [], deleted: [], held: [], unchanged: 2, diagnostics: [] }
        },
      } as Partial<ApiActions> as ApiActions,
    },
  )
})
afterAll(() => api.close())

const preview = (body: object) =>
  request(api.app).post('/api/v1/applicationsets/preview').set('Authorization', `Bearer ${api.admin}`).send(body)

test('a preview that changes nothing says so', async () => {
  const { body } = await preview({ revision: 'main' }).expect(200)
  expect(body).toEqual({
    changes: false,
    created: [],
    updated: [],
    deleted: [],
    held: [],
    unchanged: 2,
    diagnostics: [],
  })
})

const refused: readonly [sentence: string, body: object, status: number, code: string][] = [
  ['neither a revision nor documents', {}, 400, 'REQUEST_INVALID'],
  ['both', { revision: 'main', documents: 'kind: A' }, 400, 'REQUEST_INVALID'],
  ['a field that there is not', { revision: 'main', force: true }, 400, 'REQUEST_INVALID'],
  ['documents that are too long', { documents: 'x'.repeat(200_001) }, 400, 'REQUEST_INVALID'],
  ['a config source that there is not', { source: 'nobody', revision: 'main' }, 422, 'PREVIEW_IMPOSSIBLE'],
  ['a second at a time', { source: 'busy', revision: 'main' }, 429, 'TOO_MANY_REQUESTS'],
  ['what fails in the hub itself', { documents: 'defect' }, 500, 'INTERNAL'],
]
test.each(refused)('%s is refused', async (_, body, status, code) => {
  const answer = await preview(body).expect(status)
  expect(answer.body.code).toBe(code)
  expect(answer.headers['retry-after']).toBe(status === 429 ? '10' : undefined)
  expect(JSON.stringify(answer.body)).not.toContain('not a function')
})
