import type { HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import type { HostedInputs } from '../../loop/services.ts'

/** Stands for hosts where a test has none: every such generator keeps its last good result. */
export const noHosts: HostedInputs = {
  answer: async ({ kind }: HostedRequest): Promise<InputAnswer> => ({
    kind: 'failed',
    code: 'INPUT_UNAVAILABLE',
    message: `${kind}: this hub asks no services over the network`,
    retry: false,
  }),
}
