import type { Json } from '@flotilla/core/json/json'
import { describe, expect, it } from 'vitest'
import { readFailure } from './read-failure.ts'

interface Row {
  readonly status: number
  readonly body: Json
  readonly headers?: Readonly<Record<string, string>>
  readonly secret?: boolean
  readonly message: string
  readonly retry: boolean
  readonly retryAfterMs?: number
}

const CONFLICT = {
  kind: 'Status',
  reason: 'Conflict',
  message: 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas',
  details: {
    causes: [
      { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.replicas' },
    ],
  },
}

const ROWS: { readonly [sentence: string]: Row } = {
  '401 is a matter of our credentials': {
    status: 401,
    body: { message: 'Unauthorized' },
    message: 'UNAUTHENTICATED): Unauthorized',
    retry: false,
  },
  '403 says what may not be done': {
    status: 403,
    body: { message: 'deployments.apps is forbidden' },
    message: 'FORBIDDEN): deployments.apps is forbidden',
    retry: false,
  },
  '500 about a field that the schema lacks is a mistake in the manifest': {
    status: 500,
    body: {
      message: 'failed to create typed patch object (shop/f; a/v1, Kind=Foo): .spec.x: field not declared in schema',
    },
    message:
      'INVALID): failed to create typed patch object (shop/f; a/v1, Kind=Foo): .spec.x: field not declared in schema',
    retry: false,
  },
  '409 of server-side apply names the owner and the field': {
    status: 409,
    body: CONFLICT,
    message: 'FIELD_CONFLICT): "kubectl" owns .spec.replicas',
    retry: false,
  },
  '409 of a version is a lost race': {
    status: 409,
    body: { reason: 'Conflict', message: 'the object has been modified' },
    message: 'CONFLICT): the object has been modified',
    retry: true,
  },
  '409 of a name is not': {
    status: 409,
    body: { reason: 'AlreadyExists', message: 'exists' },
    message: 'ALREADY_EXISTS): exists',
    retry: false,
  },
  '410 asks for a new list': { status: 410, body: { message: 'too old' }, message: 'EXPIRED): too old', retry: true },
  '422 of an immutable field is told apart': {
    status: 422,
    body: { message: 'spec.clusterIP: field is immutable' },
    message: 'IMMUTABLE_FIELD): spec.clusterIP: field is immutable',
    retry: false,
  },
  '422 of a wrong value': { status: 422, body: { message: 'no name' }, message: 'INVALID): no name', retry: false },
  '429 says when to come again': {
    status: 429,
    body: { message: 'later' },
    headers: { 'retry-after': '3' },
    message: 'THROTTLED): later',
    retry: true,
    retryAfterMs: 3_000,
  },
  '500 with details': {
    status: 500,
    body: { message: 'broken', details: { retryAfterSeconds: 2 } },
    message: 'SERVER_ERROR): broken',
    retry: true,
    retryAfterMs: 2_000,
  },
  'a page of a proxy is shown as one line': {
    status: 502,
    body: '<html>\n<b>Bad\u0007 Gateway</b>\r\n',
    message: 'SERVER_ERROR): <html> <b>Bad Gateway</b>',
    retry: true,
  },
  'what is said about a Secret is not repeated': {
    status: 422,
    body: { message: 'Secret "a" is invalid: data[password]: Invalid value: "hunter2"' },
    secret: true,
    message: 'INVALID): message left out: it may hold a value',
    retry: false,
  },
}

describe('readFailure', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { status, body, headers = {}, secret = false, ...expected }) => {
    const error = readFailure('eu-1 apps/Deployment shop/web', 'apply', { status, headers, body }, secret)
    expect(error.message).toBe(`eu-1 apps/Deployment shop/web: apply failed (${expected.message}`)
    expect(error).toMatchObject({ retry: expected.retry, retryAfterMs: expected.retryAfterMs, status })
  })

  it('cuts what is too long', () => {
    const body = { message: 'x'.repeat(5_000) }
    const error = readFailure('eu-1 Pod a', 'get', { status: 500, headers: {}, body }, false)
    expect(error.message.length).toBeLessThan(1_100)
  })
})
