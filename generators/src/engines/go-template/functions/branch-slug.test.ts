import { describe, expect, test } from 'vitest'
import { branchSlug } from './slug.ts'

describe('branchSlug', () => {
  test.each([
    ['main', 'main'],
    ['my_branch', 'my-branch'],
    ['feature/Größe_ändern', 'feature-grosse-andern'],
    ['a & b @ c', 'a-and-b-at-c'],
    ['"quoted" – dash', 'quoted-dash'],
    ['v1.2.3', 'v1-2-3'],
    ['--__x__--', 'x'],
    ['', ''],
    ['///', ''],
    [
      'feat/a_really+long_pull_request_name_to_test_argo_slugification',
      'feat-a-really-long-pull-request-name-to-test-argo',
    ],
    ['feat/areallylongpullrequestnametotestargoslugificationandbranchname', 'feat'],
    ['x'.repeat(60), 'x'.repeat(50)],
    [`${'x'.repeat(50)}-y`, 'x'.repeat(50)],
  ])('%j is %j', (branch, slug) => {
    expect(branchSlug(branch)).toBe(slug)
  })
})
