import { goTypeOf } from '../go-value.ts'
import { deepEqual } from './deep-equal.ts'
import { define, type FunctionGroup, textArgument } from './define.ts'
import { kindOf } from './items.ts'

/** What a value is in Go: numbers of parameters are `float64`, those of templates `int`. */
export const TYPES: FunctionGroup = {
  typeOf: define('any', ([value]) => goTypeOf(value)),
  typeIs: define('string any', ([target, value]) => textArgument(target) === goTypeOf(value)),
  typeIsLike: define('string any', ([target, value]) => {
    const type = goTypeOf(value)
    return textArgument(target) === type || `*${textArgument(target)}` === type
  }),
  kindOf: define('any', ([value]) => kindOf(value)),
  kindIs: define('string any', ([target, value]) => textArgument(target) === kindOf(value)),
  deepEqual: define('any any', ([a, b], scope) => deepEqual(a, b, scope)),
}
