/** Steps of a commit's path that are measured and traced (docs/monitoring.md). */
export const STAGES = ['fetch', 'reconcile', 'expand', 'render', 'decide', 'grant'] as const
export type Stage = (typeof STAGES)[number]

/** What is told of one run of a stage: few and short, for traces alone. */
export interface StageFacts {
  readonly [name: string]: string | number
}

/** Whatever may have somebody watch its stages. */
export interface Staged {
  readonly stages?: Stages
}

/** Where work was asked for that waits: nothing of it is looked at but by whoever made it. */
export interface Cause {
  readonly place: object | undefined
}

/** Watches stages while they run, and changes nothing about them. */
export interface Stages {
  run<T>(stage: Stage, facts: StageFacts, work: () => Promise<T>, cause?: Cause): Promise<T>
  /** Where this is called, for work that is done later. */
  here?(): Cause
}

/** Runs the work under the eyes of `stages`, where there are any. */
export function through<T>(
  stages: Stages | undefined,
  stage: Stage,
  facts: StageFacts,
  work: () => Promise<T>,
  cause?: Cause,
): Promise<T> {
  return stages === undefined ? work() : stages.run(stage, facts, work, cause)
}
