import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import { INCARNATION_HEADER } from '@flotilla/core/protocol/versions'
import { describe, expect, test } from 'vitest'
import { type Refusal, readRefusal } from './refusal.ts'

describe('what a hub answers', () => {
  const answer = (status: number, body: unknown = {}, headers: HubResponse['headers'] = {}): HubResponse => ({
    ...{ status, headers },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  })
  const cases: Record<string, { readonly response: HubResponse; readonly means: Refusal | undefined }> = {
    'is no refusal of the agent when it is busy': { response: answer(503), means: undefined },
    'names the start that it knows': {
      response: answer(409, { highestInc: 7 }),
      means: { kind: 'newer-start', highestInc: 7 },
    },
    'names it in a header, where a body cannot be read': {
      response: answer(409, '<html>', { [INCARNATION_HEADER]: '8' }),
      means: { kind: 'newer-start', highestInc: 8 },
    },
    'names one that nobody can have come to': {
      response: answer(409, { highestInc: 2 ** 33 }),
      means: { kind: 'impossible-start', highestInc: 2 ** 33 },
    },
    'names none, so there are two of us': { response: answer(409), means: { kind: 'cloned' } },
    'is that it does not know us': { response: answer(401), means: { kind: 'unknown-agent' } },
    'is that it speaks another protocol, of which it says nothing': {
      response: answer(426),
      means: { kind: 'protocol', spoken: 'another version' },
    },
  }
  test.each(Object.entries(cases))('%s', (_, { response, means }) => {
    expect(readRefusal(response)).toEqual(means)
  })
})
