import { describe, expect, test } from 'vitest'
import { argoAnnotationProblems } from './argo-annotations.ts'

describe("Argo CD's annotations on an Application", () => {
  const cases: Record<string, { readonly name: string; readonly says?: string; readonly hint?: string }> = {
    'one that means the same is kept in silence': { name: 'argocd.argoproj.io/skip-reconcile' },
    'a link is data': { name: 'link.argocd.argoproj.io/dashboard' },
    'those of others are nobody’s business': { name: 'example.com/owner' },
    'one that is not needed says why': { name: 'argocd.argoproj.io/manifest-generate-paths', says: 'not needed' },
    'one without effect says what to do instead': {
      name: 'argocd.argoproj.io/sync-wave',
      says: 'Applications do not wait for one another',
      hint: 'instead: put objects',
    },
    'a companion’s are told by their group': {
      name: 'notifications.argoproj.io/subscribe.on-sync-failed.slack',
      says: 'subscriptions are not read',
      hint: 'NotificationRoute',
    },
    'a mistyped one names the nearest': {
      name: 'argocd.argoproj.io/skip-reconcil',
      says: 'is not known',
      hint: 'did you mean argocd.argoproj.io/skip-reconcile?',
    },
  }
  test.each(Object.entries(cases))('%s', (_, { name, says, hint }) => {
    const problems = argoAnnotationProblems({ [name]: 'x' }, ['metadata', 'annotations'], 'Application')
    if (says === undefined) return expect(problems).toEqual([])
    expect(problems).toMatchObject([
      {
        code: 'ANNOTATION_WITHOUT_EFFECT',
        severity: 'warning',
        path: ['metadata', 'annotations', name],
        message: expect.stringContaining(says),
        ...(hint !== undefined && { hint: expect.stringContaining(hint) }),
      },
    ])
  })

  test('what is no map has none', () => expect(argoAnnotationProblems(undefined, [], 'Application')).toEqual([]))
  test('a set has its own', () => {
    const [problem] = argoAnnotationProblems(
      { 'argocd.argoproj.io/application-set-refresh': 'true' },
      [],
      'ApplicationSet',
    )
    expect(problem?.message).toContain('a declaration cannot ask for one look')
  })
})
