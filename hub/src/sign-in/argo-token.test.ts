import { describe, expect, it } from 'vitest'
import { argoTokenAdvice } from './argo-token.ts'

const token = (claims: unknown) =>
  [{ alg: 'HS256', typ: 'JWT' }, claims].map(each => Buffer.from(JSON.stringify(each)).toString('base64url')).join('.')

describe('what is said to whoever shows a token of Argo CD', () => {
  it('of a Project’s role: how to make one that takes its place', () => {
    const advice = argoTokenAdvice(`${token({ iss: 'argocd', sub: 'proj:shop:deployer' })}.c2ln`)
    expect(advice).toContain('issued by Argo CD')
    expect(advice).toContain('flotilla token create --project-role shop/deployer')
  })

  it('of an account: to sign in, or to make one', () => {
    for (const sub of ['ci:apiKey', 'proj:<script>:x', undefined]) {
      const advice = argoTokenAdvice(`${token({ iss: 'argocd', sub })}.c2ln`)
      expect(advice).toContain('flotilla token create --name ci --role own')
      expect(advice).not.toContain('<script>')
    }
  })

  const OTHERS: Record<string, string> = {
    'a token of an identity provider': `${token({ iss: 'https://idp.example.com', sub: 'ana' })}.c2ln`,
    'a token of the hub': 'flt_AAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB',
    'what is no JSON': 'a.b.c',
    'what has no signature': token({ iss: 'argocd' }),
    'what is too long': `${token({ iss: 'argocd', sub: 'x'.repeat(9_000) })}.c2ln`,
    'a list': `${token(['argocd'])}.c2ln`,
    nothing: '',
  }
  for (const [sentence, text] of Object.entries(OTHERS)) {
    it(`nothing of ${sentence}`, () => {
      expect(argoTokenAdvice(text)).toBeUndefined()
    })
  }
})
