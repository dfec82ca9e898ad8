/** A change of one place of the product's source. */
export interface PlantedEdit {
  /** From the root of the repository. */
  readonly file: string
  /** There exactly once. */
  readonly find: string
  readonly replace: string
}

/** A bug that somebody could have written, and that the simulation has to find. */
export interface PlantedBug {
  readonly name: string
  /** What the product does with it, in one sentence. */
  readonly says: string
  readonly edits: readonly PlantedEdit[]
  /** A seed that is known to find it, or to come shortly before one that does. */
  readonly foundBy: number
}

/**
 * One for each law and for the worst of what can go wrong (protocol.md 10). They exist nowhere but here: the source
 * of a module is changed while it is loaded, in a process of its own.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'old-tombstone-taken',
    says: 'an agent takes a Tombstone that is older than the Offer it holds',
    edits: [
      {
        file: 'core/src/protocol/take-document.ts',
        find: `if (order > 0) return { kind: 'taken', held: taken }`,
        replace: `if (order > 0 || (order < 0 && payload.typ === 'tombstone')) return { kind: 'taken', held: taken }`,
      },
    ],
    foundBy: 11,
  },
  {
    name: 'grant-used-again',
    says: 'an agent that starts again does not ask whether a Grant has been used',
    edits: [
      {
        file: 'agents/src/run-operation.ts',
        find: `const operationExists = operations.get(grant.id) !== undefined`,
        replace: `const operationExists = false`,
      },
    ],
    foundBy: 118,
  },
  {
    name: 'record-after-writes',
    says: 'the record of an operation is created after its first write',
    edits: [
      {
        file: 'agents/src/operations.ts',
        find: `      await this.#client.create(encodeOperation(record, this.#namespace))\n`,
        replace: `      void this.#clock.sleep(500).then(() => this.#client.create(encodeOperation(record, this.#namespace))).catch(() => undefined)\n`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'incarnation-ignored',
    says: 'reports are ordered by their number alone, whichever start of the agent made them',
    edits: [
      {
        file: 'hub/src/store/row-rules.ts',
        find: `row.admission - than.admission || row.entry.inc - than.entry.inc || row.entry.n - than.entry.n`,
        replace: `row.admission - than.admission || row.entry.n - than.entry.n`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'number-reused',
    says: 'a Tombstone is given the number after its Offer’s, whatever else its cluster was given since',
    edits: [
      {
        file: 'hub/src/gateway/issue-documents.ts',
        find: `const number = await writer.nextNumber(cluster.id)`,
        replace: `const number = meaning.typ === 'tombstone' && current ? { ...current.number, n: current.number.n + 1 } : await writer.nextNumber(cluster.id)`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'start-before-ignored',
    says: 'a Grant may start an hour after the time before which it was to start',
    edits: [
      {
        file: 'core/src/protocol/may-start.ts',
        find: `if (now !== undefined && now >= grant.startBefore)`,
        replace: `if (now !== undefined && now >= grant.startBefore + 3_600_000)`,
      },
    ],
    foundBy: 5,
  },
  {
    name: 'calendar-ignored-at-start',
    says: 'an operation starts while its calendar is closed',
    edits: [
      {
        file: 'core/src/protocol/may-start.ts',
        find: `if (closing.length === 0) return { kind: 'start' }`,
        replace: `if (closing.length >= 0) return { kind: 'start' }`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'calendar-ignored-at-wave',
    says: 'a running operation begins its next wave while its calendar says to pause',
    edits: [
      {
        file: 'core/src/protocol/may-start.ts',
        find: `if (pausing.length === 0) return { kind: 'continue' }`,
        replace: `if (pausing.length >= 0) return { kind: 'continue' }`,
      },
    ],
    foundBy: 2,
  },
  {
    name: 'one-witness',
    says: 'what the Inventory names is deleted, whosever the live object is',
    edits: [
      {
        file: 'core/src/plan/plan-removal.ts',
        find: `if (ownerOf(live, application.id, true).kind !== 'ours') {`,
        replace: `if (application.id === '') {`,
      },
      {
        file: 'core/src/plan/plan-prunes.ts',
        find: `if (ownerOf(live, request.application.id, true).kind !== 'ours') {`,
        replace: `if (request.application.id === '') {`,
      },
      {
        file: 'agents/src/write-object.ts',
        find: `if (ownerOf(live, applicationId, true).kind !== 'ours') return 'changed'`,
        replace: `if (applicationId === '') return 'changed'`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'bundle-for-anybody',
    says: 'whoever knows a digest is given its Bundle',
    edits: [
      {
        file: 'hub/src/gateway/serve-bundle.ts',
        find: `if (!(await store.read(rows => rows.offersDigest(clusterId, wanted)))) return notFound()`,
        replace: `await store.read(rows => rows.offersDigest(clusterId, wanted))`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'acknowledged-before-commit',
    says: 'reports are answered before the transaction that stores them has ended',
    edits: [
      {
        file: 'hub/src/gateway/take-reports.ts',
        find: `const fates = await store.write(async rows => {`,
        replace: `const fates = decoded.value.map(({ entry }): [string, Fate] => [entry.application, 'taken'])\n  void store.write(async rows => {`,
      },
      {
        file: 'hub/src/gateway/take-reports.ts',
        find: `    return list\n  })\n  const idsOf`,
        replace: `    return list\n  }).catch(() => undefined)\n  const idsOf`,
      },
    ],
    foundBy: 1,
  },
  {
    name: 'revoked-served',
    says: 'an agent whose cluster was revoked is answered as before',
    edits: [
      {
        file: 'hub/src/gateway/authenticate.ts',
        find: `if (!cluster || cluster.revokedAt !== undefined) return`,
        replace: `if (!cluster) return`,
      },
      {
        file: 'hub/src/gateway/authenticate.ts',
        find: `if (!current || !same || current.revokedAt !== undefined) return`,
        replace: `if (!current || !same) return`,
      },
      {
        file: 'hub/src/gateway/authenticate.ts',
        find: `text === undefined || hub.revocations?.hasKey(text) ?`,
        replace: `text === undefined ?`,
      },
    ],
    foundBy: 29,
  },
  {
    name: 'store-behind-ignored',
    says: 'a hub that finds its own signature over what it did not issue goes on issuing',
    edits: [
      {
        file: 'hub/src/recovery/recovery.ts',
        find: `    return this.#state.kind === 'behind'\n`,
        replace: `    return false\n`,
      },
    ],
    foundBy: 95,
  },
  {
    name: 'heals-to-what-is-offered',
    says: 'drift is put right to the digest that is offered, before any Grant has allowed it',
    edits: [
      {
        file: 'core/src/protocol/may-heal.ts',
        find: `return firstClosed('CLOSED', closingIntervals(calendar, id, now)) ?? { kind: 'heal', digest: lastSucceeded }`,
        replace: `return firstClosed('CLOSED', closingIntervals(calendar, id, now)) ?? { kind: 'heal', digest: held.digest }`,
      },
    ],
    foundBy: 10,
  },
  {
    name: 'digests-not-compared',
    says: 'whether hub and agent hold the same is never asked: what one of them lost stays lost',
    edits: [
      {
        file: 'hub/src/gateway/agree.ts',
        find: `if (theirs === ours) return { next: AGREED, ask: false, diagnostic: false }`,
        replace: `if (theirs !== '') return { next: AGREED, ask: false, diagnostic: false }`,
      },
    ],
    foundBy: 63,
  },
]
