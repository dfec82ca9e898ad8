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

/** Watches stages while they run, and changes nothing about them. */
export interface Stages {
  run<T>(stage: Stage, facts: StageFacts, work: () => Promise<T>): Promise<T>
}

/** Runs the work under the eyes of `stages`, where there are any. */
export function through<T>(
  stages: Stages | undefined,
  stage: Stage,
  facts: StageFacts,
  work: () => Promise<T>,
): Promise<T> {
  return stages === undefined ? work() : stages.run(stage, facts, work)
}
