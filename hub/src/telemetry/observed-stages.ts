import type { Clock } from '@flotilla/core/ports/clock'
import type { Renderer } from '@flotilla/core/ports/renderer'
import { Histogram, type Registry } from 'prom-client'
import type { Expand } from '../expand/expand-in-worker.ts'
import { type Cause, type Stage, type StageFacts, type Stages, through } from './stages.ts'
import type { TracePlace, Tracing } from './tracing.ts'

const BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 5, 20, 60]

/** Stages as figures, and as spans where traces are wanted. */
export class ObservedStages implements Stages {
  readonly #clock: Clock
  readonly #tracing: Tracing | undefined
  readonly #fetches: Histogram<'request_type' | 'outcome'>
  readonly #reconciles: Histogram<'kind' | 'outcome'>
  readonly #steps: Histogram<'step' | 'outcome'>

  constructor(clock: Clock, tracing?: Tracing) {
    this.#clock = clock
    this.#tracing = tracing
    this.#fetches = new Histogram({
      name: 'flotilla_git_request_duration_seconds',
      help: 'Fetches of repositories, by outcome: ok or failed.',
      labelNames: ['request_type', 'outcome'] as const,
      buckets: BUCKETS,
      registers: [],
    })
    this.#reconciles = new Histogram({
      name: 'flotilla_reconcile_duration_seconds',
      help: 'Looks at keys of the loop, by kind: repository, source, set, names, cluster, application.',
      labelNames: ['kind', 'outcome'] as const,
      buckets: BUCKETS,
      registers: [],
    })
    this.#steps = new Histogram({
      name: 'flotilla_step_duration_seconds',
      help: 'Steps of a commit’s path: expand (a set), render (an Application that is not remembered), decide, grant.',
      labelNames: ['step', 'outcome'] as const,
      buckets: BUCKETS,
      registers: [],
    })
  }

  register(registry: Registry): void {
    registry.registerMetric(this.#fetches)
    registry.registerMetric(this.#reconciles)
    registry.registerMetric(this.#steps)
  }

  here(): Cause {
    return { place: this.#tracing?.here() }
  }

  async run<T>(stage: Stage, facts: StageFacts, work: () => Promise<T>, cause?: Cause): Promise<T> {
    const began = this.#clock.monotonicMs()
    let outcome: 'ok' | 'failed' = 'failed'
    try {
      const result = await (this.#tracing === undefined
        ? work()
        : this.#tracing.span(nameOf(stage, facts), facts, work, cause as { place: TracePlace | undefined } | undefined))
      outcome = 'ok'
      return result
    } finally {
      const seconds = (this.#clock.monotonicMs() - began) / 1000
      if (stage === 'fetch') this.#fetches.observe({ request_type: 'fetch', outcome }, seconds)
      else if (stage === 'reconcile') this.#reconciles.observe({ kind: String(facts['kind']), outcome }, seconds)
      else this.#steps.observe({ step: stage, outcome }, seconds)
    }
  }
}

function nameOf(stage: Stage, facts: StageFacts): string {
  return stage === 'reconcile' ? `reconcile ${facts['kind']}` : stage
}

export function observedRenderer(renderer: Renderer, stages: Stages): Renderer {
  return {
    inputKey: input => renderer.inputKey(input),
    render: input => {
      const { source, commit } = input
      return through(stages, 'render', { path: String(source.path ?? source.chart ?? ''), commit }, () =>
        renderer.render(input),
      )
    },
  }
}

export function observedExpand(expand: Expand, stages: Stages): Expand {
  return (set, inputs, answers) => through(stages, 'expand', { set: set.name }, () => expand(set, inputs, answers))
}
