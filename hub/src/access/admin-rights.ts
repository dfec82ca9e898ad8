import { maySamePerson, subjectsOf } from '@flotilla/core/access/second-person'
import type { HeldRight } from '@flotilla/core/access/unlisted-admins'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Store } from '@flotilla/core/ports/store'
import type { Caller } from '../api/tokens.ts'
import type { AccessKeeper } from './access-keeper.ts'
import { type Agreed, type Agreement, isWhole, putAgreements, readAgreements } from './agreements.ts'

/** A right that would make somebody an administrator, and who has agreed to it. */
export interface AdminRight extends Pick<Agreement, 'id' | 'subject' | 'text' | 'people'> {
  /** `unused`: it was agreed to, and no document gives it any more. */
  readonly state: 'waiting' | 'approved' | 'unused'
  /** As documents give it; absent when they do not. */
  readonly right?: HeldRight
}

export type AgreementAnswer =
  | { readonly kind: 'done'; readonly right: AdminRight }
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'refused'
      readonly code: 'RIGHT_OWN' | 'RIGHT_NEEDS_PERSON' | 'RIGHT_LIST_ONLY'
      readonly detail: string
    }

export interface AdminRightsParts {
  readonly access: AccessKeeper
  readonly store: Store
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Two people for an administrator: who would be one by documents alone is one when two have agreed to it who have signed
 * in themselves, are different subjects, and gain nothing by it.
 */
export class AdminRights {
  readonly #parts: AdminRightsParts

  constructor(parts: AdminRightsParts) {
    this.#parts = parts
  }

  get twoPersons(): boolean {
    return this.#parts.access.twoPersons
  }

  /** Those that wait, those that are in force, and those that no document gives any more. */
  async list(): Promise<readonly AdminRight[]> {
    const { access, store } = this.#parts
    const agreements = await store.read(readAgreements)
    const given = [...access.held, ...access.agreed]
    const ids = new Set(given.map(({ id }) => id))
    const unused = agreements.filter(({ id }) => !ids.has(id)).map(each => ({ ...each, state: 'unused' as const }))
    return [...given.map(right => this.#shown(right, agreements)), ...unused]
  }

  /** One more who agrees. @throws StoreError */
  async approve(
    id: string,
    by: Caller,
    comment: string,
    isOfTeam: (team: string) => boolean,
  ): Promise<AgreementAnswer> {
    const { access, store, clock } = this.#parts
    const right = [...access.held, ...access.agreed].find(each => each.id === id)
    if (right === undefined) return { kind: 'unknown' }
    const refusal = refusalOf(right, by, isOfTeam)
    if (refusal !== undefined) return refusal
    const me: Agreed = { by: by.name, subjects: subjectsOf(by.makers), at: clock.now(), comment }
    const agreements = await store.write(async rows => {
      const before = await readAgreements(rows)
      const known = before.find(each => each.id === id) ?? { id, subject: right.subject, text: right.text, people: [] }
      const again = known.people.some(each => maySamePerson({ ...me, name: me.by }, { ...each, name: each.by }))
      if (again) return before
      const next = { ...known, people: [...known.people, me] }
      const after = [...before.filter(each => each.id !== id), next]
      await putAgreements(rows, after)
      await rows.appendAudit({
        ...{ at: me.at, actor: by.name, action: 'access.approve', subject: `AdminRight/${id}` },
        detail: {
          ...{ who: right.subject, row: right.text, comment },
          people: next.people.length,
          inForce: isWhole(next),
        },
        policyVersion: access.now.version,
      })
      return after
    })
    await access.takeAgreements(agreements, store)
    return { kind: 'done', right: this.#shown(right, agreements) }
  }

  /** Takes back what was agreed to: one person is enough for less. @throws StoreError */
  async revoke(id: string, by: Caller, reason: string): Promise<AgreementAnswer> {
    const { access, store, clock } = this.#parts
    const found = (await this.list()).find(each => each.id === id)
    if (found === undefined) return { kind: 'unknown' }
    const agreements = await store.write(async rows => {
      const before = await readAgreements(rows)
      const after = before.filter(each => each.id !== id)
      if (after.length === before.length) return before
      await putAgreements(rows, after)
      await rows.appendAudit({
        ...{ at: clock.now(), actor: by.name, action: 'access.revoke', subject: `AdminRight/${id}` },
        detail: { who: found.subject, row: found.text, reason },
        policyVersion: access.now.version,
      })
      return after
    })
    await access.takeAgreements(agreements, store)
    return { kind: 'done', right: found.right ? this.#shown(found.right, agreements) : { ...found, people: [] } }
  }

  #shown(right: HeldRight, agreements: readonly Agreement[]): AdminRight {
    const { id, subject, text } = right
    const agreement = agreements.find(each => each.id === id) ?? { id, subject, text, people: [] }
    return { ...agreement, right, state: isWhole(agreement) ? 'approved' : 'waiting' }
  }
}

/** Why this one does not count as a person who agrees. */
function refusalOf(
  { subject, listOnly }: HeldRight,
  { kind, credential, principal, name, makers }: Caller,
  isOfTeam: (team: string) => boolean,
): Extract<AgreementAnswer, { kind: 'refused' }> | undefined {
  if (listOnly === true) {
    const detail =
      'Nobody can agree on whom documents choose later: name people or groups, or list it in access.admins.'
    return { kind: 'refused', code: 'RIGHT_LIST_ONLY', detail }
  }
  const signedIn = credential?.kind === 'session' || credential?.kind === 'id-token'
  if (kind !== 'person' || !signedIn || principal.kind !== 'person' || subjectsOf(makers).length === 0) {
    const detail = 'Somebody who has signed in has to agree: a token is not a person, whoever has made it.'
    return { kind: 'refused', code: 'RIGHT_NEEDS_PERSON', detail }
  }
  const gains =
    maySamePerson({ name: subject }, { name }) ||
    maySamePerson({ name: subject }, { name: principal.subject }) ||
    principal.groups.includes(subject) ||
    isOfTeam(subject)
  if (!gains) return undefined
  return { kind: 'refused', code: 'RIGHT_OWN', detail: 'Somebody else has to agree: you would gain by it.' }
}
