/** One thing that is wrong with a request: where, what, and how to mend it. */
export interface ProblemError {
  /** JSON pointer into `{ path, query, body }`: `/query/limit`. */
  readonly pointer: string
  readonly message: string
  readonly hint?: string
}

/** Every code that the API answers with, its status and what it means; docs and OpenAPI show this table. */
export const PROBLEMS = {
  REQUEST_INVALID: [400, 'The request is not as this route wants it; see errors.'],
  BODY_NOT_JSON: [400, 'The body is not JSON.'],
  CURSOR_INVALID: [400, 'The cursor is not of this list with these filters; begin again without it.'],
  UNAUTHENTICATED: [401, 'A valid bearer token is needed.'],
  CSRF_TOKEN_MISSING: [403, 'A write by the session cookie has to show X-CSRF-Token, from a page of this hub.'],
  SIGN_IN_REFUSED: [401, 'Nobody was let in; detail says why, as far as it may be told.'],
  GROUPS_LINKED: [
    401,
    'The identity provider gives a link in place of your groups, so that your rights are not known.',
  ],
  SIGN_IN_STALE: [401, 'Your groups were told too long ago for a write; sign in again, or renew the id token.'],
  SIGN_OUT_TOKEN: [409, 'This is no session: a token is revoked by DELETE /api/v1/tokens/{id}.'],
  FORBIDDEN: [403, 'The token may not do this.'],
  NOT_FOUND: [404, 'There is nothing here, or nothing that you may see.'],
  RIGHT_OWN: [403, 'Somebody else has to agree to it.'],
  RIGHT_NEEDS_PERSON: [403, 'Somebody who has signed in has to agree to it.'],
  RIGHT_LIST_ONLY: [409, 'Only the hub’s own settings put it in force.'],
  OVERRIDE_OWN: [403, 'Somebody else has to do this: it is your own request.'],
  OVERRIDE_NEEDS_PERSON: [403, 'A person has to do this; the token is that of a program.'],
  METHOD_NOT_ALLOWED: [405, 'This path does not take that method; see the Allow header.'],
  NOT_ACCEPTABLE: [406, 'This route answers with none of what Accept takes; detail says with what.'],
  NOT_RENDERED: [409, 'The Application has no manifests yet; its hold says why.'],
  CLUSTER_TAKEN: [409, 'The name belongs to another agent; an approval with replace ends that one.'],
  ENROLMENT_DECIDED: [409, 'It was decided already.'],
  ENROLMENT_AMBIGUOUS: [409, 'Several agents wait for this name; say which one is meant.'],
  ENROLMENT_OTHER_NAME: [409, 'Its join token is for another name.'],
  HUB_KEY_ANNOUNCED: [409, 'A key is announced already, and not every cluster knows it yet.'],
  DELETION_CHANGED: [409, 'The list is another one now; look at it again.'],
  DELETION_DECIDED: [409, 'It was approved before; what was let go cannot be rejected any more.'],
  DELETION_INPUTS_AWAY: [409, 'Inputs of the set are away, so that nobody knows whether the list is right; later.'],
  CONFIRMATION_CHANGED: [409, 'It is another list by now; look at it again.'],
  CONFIRMATION_STANDS: [409, 'It cannot be refused: it waits until it is approved, or its cause is gone.'],
  GATE_EXISTS: [409, 'There is a gate of that name already.'],
  GATE_FROM_GIT: [409, 'The gate is declared in a config source, and is changed there.'],
  GATE_ENDED: [409, 'The gate has ended; make another one.'],
  FREEZE_LOCKED: [409, 'The freeze holds now and allows no break-glass.'],
  SCHEDULE_ENDED: [409, 'It waits no longer.'],
  OVERRIDE_NOT_PENDING: [409, 'It cannot be approved any more.'],
  OVERRIDE_NOT_ACTIVE: [409, 'It is over already.'],
  OVERRIDE_NOT_ENDED: [409, 'There is nothing to look back at yet.'],
  OPERATION_HELD: [409, 'The Application is held; detail says by what.'],
  OPERATION_BUSY: [409, 'Another operation is under way, or permitted.'],
  REASON_REQUIRED: [409, 'A soft freeze holds it: say why it has to be now.'],
  OPERATION_NONE: [409, 'There is no operation that could be ended.'],
  RECOVERY_LIST_CHANGED: [409, 'The list is another one now; look at it again.'],
  RECOVERY_NOT_NEEDED: [409, 'The hub is not behind, or there is nothing to acknowledge.'],
  AGENT_NOT_JOINED: [409, 'No agent has joined there that could be told.'],
  STREAM_REFUSED: [409, 'The agent does not send it; detail says why.'],
  IDEMPOTENCY_KEY_INVALID: [400, 'An Idempotency-Key is 1 to 128 printable characters without blanks.'],
  IDEMPOTENCY_KEY_REUSED: [422, 'The Idempotency-Key was used for another request; take a new one.'],
  IDEMPOTENCY_SECRET: [409, 'It was done; what it made was shown once and is kept nowhere.'],
  IDEMPOTENCY_UNFINISHED: [409, 'The hub stopped while it did this; look what became of it, and take a new key.'],
  MANIFESTS_GONE: [410, 'These manifests are not kept any more, and their source does not render to them again.'],
  WATCH_GONE: [410, 'Changes that far back are not kept; list again and watch from there.'],
  GATE_CHANGED: [412, 'It is another one by now; look at it again.'],
  PRECONDITION_FAILED: [412, 'It is another one by now; errors say what has changed, where that is known.'],
  BODY_TOO_LARGE: [413, 'The body is too large.'],
  BODY_TYPE_UNSUPPORTED: [415, 'The body has to be application/json in UTF-8, not compressed.'],
  GATE_INVALID: [422, 'The gate cannot be in force so; see errors.'],
  OVERRIDE_REFUSED: [422, 'Break-glass cannot be asked for so; see errors.'],
  PIN_IMPOSSIBLE: [422, 'It cannot be held to that; detail says why.'],
  ACTION_IMPOSSIBLE: [422, 'That kind of object has no such action; detail says which it has.'],
  PREVIEW_IMPOSSIBLE: [422, 'There is no preview of this; detail says why.'],
  TOO_MANY_REQUESTS: [429, 'Too many requests; see Retry-After.'],
  INTERNAL: [500, 'Something went wrong in the hub; its log has the request id.'],
  UNAVAILABLE: [503, 'The hub cannot answer this now; see Retry-After.'],
  STORE_BEHIND: [503, 'The hub does not know all that it has issued, and issues nothing until flotilla hub recover.'],
  TOO_MANY_WATCHERS: [503, 'Too many watch at once.'],
  STREAM_NOT_BEGUN: [504, 'The agent did not begin in time: it is away, or busy.'],
} as const satisfies { readonly [code: string]: readonly [status: number, meaning: string] }

export type ProblemCode = keyof typeof PROBLEMS

/** An answer that is not what was asked for, as RFC 9457 wants it. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly errors: readonly ProblemError[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    options: {
      readonly detail?: string
      readonly errors?: readonly ProblemError[]
      readonly headers?: Readonly<Record<string, string>>
      readonly cause?: unknown
    } = {},
  ) {
    super(options.detail ?? PROBLEMS[code][1], { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = PROBLEMS[code][0]
    this.errors = options.errors ?? []
    this.headers = options.headers ?? {}
  }

  /** The document. It names neither the path nor the request: equal problems are equal bytes. */
  body(): object {
    return {
      type: `/api/docs#${this.code}`,
      title: PROBLEMS[this.code][1],
      status: this.status,
      code: this.code,
      ...(this.message !== PROBLEMS[this.code][1] && { detail: this.message }),
      ...(this.errors.length > 0 && { errors: this.errors }),
    }
  }
}
