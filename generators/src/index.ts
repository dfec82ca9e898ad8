export { expand } from './expand.ts'
export type { Expansion, ExpansionError, ExpansionErrorReason, GeneratorOutcome } from './expansion.ts'
export { GENERATORS, generatorsFor, OUR_GENERATORS } from './generators/registry.ts'
export { directoryMatcher, fileMatcher, type PathMatcher } from './git-paths.ts'
export {
  type ClusterFacts,
  type GeneratorInputs,
  type InputAnswer,
  type InputRequest,
  inputKey,
  type Parameters,
  type PathRule,
} from './inputs.ts'
export { DEFAULT_REQUEUE_SECONDS, type RequeueOptions, requeueAfterMs } from './requeue.ts'
export { type Incumbent, type NameRefusal, type NameResolution, resolveNames } from './resolve-names.ts'
export { strategyHold } from './strategy-hold.ts'
