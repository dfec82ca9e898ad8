import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Connections } from './connections.ts'
import { enrol } from './enrol.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayRequest } from './gateway-request.ts'
import type { Refusals } from './refusals.ts'
import { notFound } from './respond.ts'

/** What is answered to whoever has no admission here, or not any more. */
export interface StrangerDesk {
  readonly hub: GatewayOptions
  readonly refusals: Refusals
  readonly connections: Pick<Connections, 'admittedAgain'>
}

/** An agent asks to be admitted. @throws StoreError */
export async function answerEnrolment(request: GatewayRequest, desk: StrangerDesk): Promise<HubResponse> {
  const { log, events } = desk.hub
  const { remoteAddress } = request
  const enrolment = await enrol(request.body, remoteAddress, desk.hub)
  if (enrolment.kind === 'refused') {
    desk.refusals.stranger(remoteAddress)
    desk.refusals.note(enrolment.code, 'an enrolment was refused', { remoteAddress })
  } else if (enrolment.kind === 'waiting') {
    if (enrolment.isNew) log.info('an agent waits for approval', { enrolment: enrolment.enrolment, remoteAddress })
  } else {
    log.info('a cluster was admitted', { cluster: enrolment.clusterId, remoteAddress })
    desk.connections.admittedAgain(enrolment.clusterId)
    events.joined?.(enrolment.clusterId)
  }
  return enrolment.response
}

/**
 * An agent shows an admission of before. One that does not hold counts as a refused enrolment: it comes from a stranger.
 *
 * @throws StoreError
 */
export async function answerReturn(request: GatewayRequest, desk: StrangerDesk): Promise<HubResponse> {
  const { log, returned } = desk.hub
  if (!returned) return notFound()
  const { response, code, waitsFor } = await returned(request.body, request.remoteAddress)
  // One that shows an admission of ours is no stranger: it must not shut out its neighbours.
  if (code === 'RETURN') desk.refusals.stranger(request.remoteAddress)
  if (code !== undefined) desk.refusals.count(code)
  if (waitsFor !== undefined) log.warn('an agent came back that the store does not know', { cluster: waitsFor })
  return response
}
