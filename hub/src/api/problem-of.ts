import { BundleStoreError } from '@flotilla/core/ports/bundle-store'
import { StoreError } from '@flotilla/core/ports/store'
import { HubBehind } from '../recovery/hub-behind.ts'
import { Problem } from './problem.ts'

/** Any failure as the problem that is answered; what is not foreseen tells the outside nothing. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StoreError || error instanceof BundleStoreError) {
    if (!error.retry) return new Problem('INTERNAL', { cause: error })
    return new Problem('UNAVAILABLE', { headers: { 'Retry-After': '5' }, cause: error })
  }
  if (error instanceof HubBehind) return new Problem('STORE_BEHIND', { cause: error })
  // What body-parser and express itself throw.
  const type = propertyOf(error, 'type')
  if (type === 'entity.too.large') return new Problem('BODY_TOO_LARGE', { cause: error })
  if (type === 'entity.parse.failed') return new Problem('BODY_NOT_JSON', { cause: error })
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return new Problem('BODY_TYPE_UNSUPPORTED', { cause: error })
  }
  if (type === 'request.aborted' || type === 'request.size.invalid') {
    return new Problem('REQUEST_INVALID', {
      errors: [{ pointer: '/body', message: 'the body is not as long as it was said to be' }],
      cause: error,
    })
  }
  if (error instanceof URIError || propertyOf(error, 'status') === 400) {
    return new Problem('REQUEST_INVALID', {
      errors: [{ pointer: '/path', message: 'the path is not percent-encoded as it should be' }],
      cause: error,
    })
  }
  return new Problem('INTERNAL', { cause: error })
}

function propertyOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null && name in error ? error[name as never] : undefined
}
