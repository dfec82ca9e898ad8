import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Health } from '../../model/status.ts'
import { type HealthRule, health } from '../health-rule.ts'
import { testAsker } from './ask-test.ts'
import type { DataRule } from './data-rule.ts'
import { RuleTooLong, Scope } from './scope.ts'
import { namesOf } from './work-out-value.ts'
import { messageWriter } from './write-message.ts'

/**
 * Makes a rule of its data, once, when the first object comes. It looks at the object and the clock alone and never
 * throws, whatever the object is; what goes on for too long is Unknown.
 */
export function ruleOf(data: DataRule): HealthRule {
  let assess: ((scope: Scope) => Health) | undefined
  return (object: KubernetesObject, { now }) => {
    assess ??= compile(data)
    try {
      return assess(Scope.of(object, now))
    } catch (error) {
      if (error instanceof RuleTooLong) return health('Unknown', error.message)
      throw error
    }
  }
}

function compile({ values, lines, otherwise }: DataRule): (scope: Scope) => Health {
  const names = namesOf(values, new Map(), 0)
  const asked = lines.map(([when, status, message = '']) => {
    return { ask: testAsker(when, names), status, write: messageWriter(message, names) }
  })
  const [last, lastMessage = ''] = otherwise
  const writeLast = messageWriter(lastMessage, names)
  return scope => {
    for (const { ask, status, write } of asked) {
      const found = ask(scope)
      if (found !== false) return health(status, write(found === true ? scope : found))
    }
    return health(last, writeLast(scope))
  }
}
