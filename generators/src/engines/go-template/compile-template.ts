import { TemplateError } from '../../failure.ts'
import { LIMITS } from '../../limits.ts'
import type { OutputMeter, RenderText } from '../engine.ts'
import type { EngineFunction } from './builtins/builtins.ts'
import { engineFunctions } from './engine-functions.ts'
import { type CompiledTemplate, compileList } from './evaluate/compile-list.ts'
import { Execution, type RenderSettings } from './evaluate/execution.ts'
import { GO_TEMPLATE_LIMITS } from './limits.ts'
import { quotedSource } from './quoted-source.ts'
import { type ParsedText, parseTemplate } from './syntax/parse-template.ts'
import { SyntaxMistake } from './syntax/syntax-mistake.ts'
import type { templateDataReader } from './template-data.ts'

/** What Argo CD calls the template of every text. */
const NAME = 'base'

type DataReader = ReturnType<typeof templateDataReader>

/**
 * Compiles a text to closures, which render it for any parameters.
 *
 * @throws TemplateError `TEMPLATE_INVALID` when it cannot be parsed, `TEMPLATE_TOO_COMPLEX` when it passes a bound.
 */
export function compileTemplate(source: string, settings: RenderSettings, readData: DataReader): RenderText {
  const functions = engineFunctions(settings.numbers)
  const parsed = parse(source, functions)
  const templates = new Map<string, CompiledTemplate>()
  for (const [name, { root, nesting }] of parsed.templates) {
    templates.set(name, { walk: compileList(root, { functions, templates }), nesting })
  }
  const { root } = parsed.templates.get(NAME)!
  const { walk } = templates.get(NAME)!
  const mutates = [...parsed.functions].some(name => functions.get(name)!.mutates === true)
  return (parameters, meter) => {
    const data = readData(parameters, mutates)
    const run = new Execution(source, NAME, root, data, settings)
    // Once a set has used up what it may do, its other texts cost nothing more.
    checkMeter(run, meter)
    try {
      walk(run, data)
    } catch (error) {
      throw error instanceof RangeError ? run.limit(`nests too deep: ${error.message}`) : error
    } finally {
      spend(run, meter)
    }
    checkMeter(run, meter)
    return run.output
  }
}

/**
 * Names of the functions in a text that give another result each time (`now`, `uuidv4`, `randAlpha`…): a set that uses
 * one changes at every look. Sorted; none for a text that cannot be parsed.
 */
export function nonRepeatableFunctions(template: string): readonly string[] {
  const functions = engineFunctions('go')
  const named = [...functions].some(([name, fun]) => fun.repeatable === false && template.includes(name))
  if (!named || !template.includes('{{')) return []
  try {
    const called = [...parse(template, functions).functions]
    return called.filter(name => functions.get(name)!.repeatable === false).sort()
  } catch (error) {
    if (error instanceof TemplateError) return []
    throw error
  }
}

function parse(source: string, functions: ReadonlyMap<string, EngineFunction>): ParsedText {
  if (source.length > GO_TEMPLATE_LIMITS.source) {
    throw new TemplateError(
      'TEMPLATE_TOO_COMPLEX',
      `a template has more than ${GO_TEMPLATE_LIMITS.source} characters: it begins with ${source.slice(0, 100)}…`,
    )
  }
  try {
    return parseTemplate(source, NAME, functions)
  } catch (error) {
    if (!(error instanceof SyntaxMistake)) throw error
    const message = `template: ${NAME}:${error.line}: ${error.message}`
    throw new TemplateError(error.code, `failed to parse template ${quotedSource(source)}: ${message}`)
  }
}

/** Output counts against the whole set, and so does work beyond what a usual template takes. */
function spend({ output, steps, work }: Execution, meter: OutputMeter): void {
  meter.remaining -= output.length
  if (meter.steps === undefined) return
  const { workPerStep, usualWork, freeSteps } = GO_TEMPLATE_LIMITS
  const heavy = Math.max(0, work - usualWork)
  meter.steps -= Math.max(0, steps + work / workPerStep + heavy - freeSteps)
}

function checkMeter(run: Execution, meter: OutputMeter): void {
  if (meter.remaining < 0) {
    throw new TemplateError('OUTPUT_TOO_LARGE', `the set renders to more than ${LIMITS.renderedSet} characters`)
  }
  if (meter.steps !== undefined && meter.steps < 0) {
    throw run.limit(`and others of the set take more than ${LIMITS.stepsOfSet} steps together`)
  }
}
