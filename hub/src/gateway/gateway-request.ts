import type { HubRequest } from '@flotilla/core/ports/hub-transport'
import type { RequestHead } from './authenticate.ts'

/** A request of an agent, as an adapter brings it. */
export type GatewayRequest = HubRequest & {
  readonly remoteAddress: string
  /** Resolves when the answer has left, or nobody waits for it any more; until then it takes up room. */
  readonly answered?: Promise<unknown>
}

/** A request before its body. */
export interface GatewayHead extends RequestHead {
  readonly remoteAddress: string
  /** The stated one, if there is one. */
  readonly contentLength?: number
}
