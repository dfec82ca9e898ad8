import { compileIgnores, orphanRulesOf } from '@flotilla/core/orphans/orphan-rules'
import { z } from 'zod'
import { one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { json, type Route, route } from '../route.ts'

const orphansSchema = z
  .strictObject({
    project: z.string(),
    monitored: z.boolean().meta({ description: 'Whether its Project asks for them (`orphanedResources`).' }),
    reported: z.boolean().meta({ description: 'Whether its agent has looked.' }),
    items: z
      .array(z.strictObject({ group: z.string(), kind: z.string(), namespace: z.string(), name: z.string() }))
      .meta({ description: 'The first of them, by group, kind and name.' }),
    total: z.int(),
    more: z.boolean().meta({ description: 'There are more than `total`: the agent counts to a limit.' }),
    unseenKinds: z.int().meta({ description: 'Kinds that its agent may not list there.' }),
  })
  .meta({ id: 'Orphans', description: 'Objects in its namespace that no Application declares and nothing owns.' })

/** What stands in an Application's namespace and belongs to nobody. */
export const orphanRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/orphans',
    id: 'getApplicationOrphans',
    tag: 'applications',
    summary: 'Objects in the namespace of the Application that no Application declares',
    access: one('applications', 'get'),
    parameters: z.strictObject({ name: nameParameter }),
    answers: { 200: { description: 'What its agent found last, cut and counted.', schema: orphansSchema } },
    async handle({ path }, caller, context) {
      const { project } = requireApplication(path.name, 'get', caller, context)
      const { services } = context
      const row = services.view.applicationRow(path.name)
      if (row === undefined) throw new Problem('NOT_FOUND')
      const report = await services.store.read(rows => rows.report(row.id))
      const spec = services.projects?.().find(({ name }) => name === project)?.spec
      const rules = spec && orphanRulesOf(spec)
      // What was found for rules that are no longer is told to nobody, also while the agent has not heard of it.
      const found = rules && report?.entry.orphans
      const ignores = compileIgnores(rules?.ignore ?? [])
      const items = (found?.objects ?? []).filter(({ group, kind, name }) => {
        const ignored = ignores.ofKind(group, kind)
        return ignored !== 'every' && !ignored(name)
      })
      return json(200, {
        project,
        monitored: rules !== undefined,
        reported: found !== undefined,
        items,
        total: found === undefined ? 0 : found.count - (found.objects.length - items.length),
        more: found?.more ?? false,
        unseenKinds: found?.unseenKinds ?? 0,
      })
    },
  }),
]
