import { valueAt } from '../../json/read-json.ts'
import { ruleOf } from '../data/rule-of.ts'
import { type HealthRule, health } from '../health-rule.ts'
import { customResourceDefinition } from './described-kinds.ts'

const asData = ruleOf(customResourceDefinition.data)

/** Argo CD's script fails on a definition that has no status at all; ours waits for one. */
export const customResourceDefinitionHealth: HealthRule = (object, options) =>
  options.strictArgo && valueAt(object, 'status') === undefined
    ? health('Unknown', 'the definition has no status yet')
    : asData(object, options)
