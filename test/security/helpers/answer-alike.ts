import type request from 'supertest'

/** All of an answer that could tell something: everything but the time and the id of the request. */
export interface Told {
  readonly status: number
  readonly text: string
  readonly headers: { readonly [name: string]: unknown }
}

/** Asks the same twice, about what is hidden and about what is not there: whoever compares the two learns nothing. */
export async function askBoth(
  ask: (name: string) => request.Test,
  hidden: string,
  absent: string,
): Promise<readonly [hidden: Told, absent: Told]> {
  return [await told(ask(hidden)), await told(ask(absent))]
}

async function told(asked: request.Test): Promise<Told> {
  const { status, text, headers } = await asked
  const { date: _, 'x-request-id': __, ...kept } = headers as Record<string, unknown>
  return { status, text, headers: kept }
}
