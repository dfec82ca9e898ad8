import { describe, expect, test } from 'vitest'
import { TemplateError } from './failure.ts'
import { readPluginSettings } from './plugin-settings.ts'

const FULL = { baseUrl: 'http://plugin.argocd', token: '$plugin.token' }

describe('a plugin’s ConfigMap', () => {
  const good: { [sentence: string]: [{ [key: string]: string }, unknown] } = {
    'the token is a key of argocd-secret': [
      FULL,
      {
        baseUrl: 'http://plugin.argocd',
        token: { secretName: 'argocd-secret', key: 'plugin.token' },
        requestTimeoutMs: 30_000,
      },
    ],
    'or a key of a Secret that is named': [
      { ...FULL, token: '$mine:a.b', requestTimeout: '60' },
      { baseUrl: 'http://plugin.argocd', token: { secretName: 'mine', key: 'a.b' }, requestTimeoutMs: 60_000 },
    ],
    'no seconds at all are the default': [
      { ...FULL, requestTimeout: '0' },
      expect.objectContaining({ requestTimeoutMs: 30_000 }),
    ],
  }
  for (const [sentence, [data, expected]] of Object.entries(good)) {
    test(sentence, () => expect(readPluginSettings(data)).toEqual(expected))
  }
  const bad: { [sentence: string]: [{ [key: string]: string }, string] } = {
    'without a URL': [{ token: '$a' }, 'error fetching ConfigMap: baseUrl not found in ConfigMap'],
    'without a token': [{ baseUrl: 'http://a' }, 'error fetching ConfigMap: token not found in ConfigMap'],
    'with the token itself': [
      { ...FULL, token: 'swordfish' },
      "token is empty, or does not reference a secret key starting with '$'",
    ],
    'with a timeout in words': [{ ...FULL, requestTimeout: '1m' }, 'error set requestTimeout : "1m"'],
    'with a negative timeout': [{ ...FULL, requestTimeout: '-1' }, 'error set requestTimeout : "-1"'],
    'with a sign alone': [{ ...FULL, requestTimeout: '+' }, 'error set requestTimeout : "+"'],
  }
  for (const [sentence, [data, message]] of Object.entries(bad)) {
    test(`${sentence} it is refused, and the token is not repeated`, () => {
      expect(() => readPluginSettings(data)).toThrow(TemplateError)
      expect(() => readPluginSettings(data)).toThrow(message)
      expect(() => readPluginSettings(data)).not.toThrow('swordfish')
    })
  }
})
