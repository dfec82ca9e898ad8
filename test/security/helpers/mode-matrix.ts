import type { AccessSettings } from '@flotilla/core/access/policy'

type Mode = Pick<AccessSettings, 'matchMode' | 'strictArgo' | 'defaultRole'>

/** Every way in which a policy can be read: a rule that holds in one of them only is none. */
export const POLICY_MODES: readonly (readonly [name: string, mode: Mode])[] = (['glob', 'regex'] as const).flatMap(
  matchMode =>
    [false, true].flatMap(strictArgo =>
      [undefined, 'role:none'].map((defaultRole): readonly [string, Mode] => [
        `${matchMode}, ${strictArgo ? 'to the letter of Argo CD' : 'normal'}, default role ${defaultRole ?? 'none'}`,
        { matchMode, strictArgo, ...(defaultRole !== undefined && { defaultRole }) },
      ]),
    ),
)
