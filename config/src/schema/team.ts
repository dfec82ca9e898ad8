import { documentOf, object, optionalTexts } from './shapes.ts'

const projects = object({ projects: optionalTexts }).optional()

export const teamDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'Team',
  object({
    members: object({ groups: optionalTexts, users: optionalTexts }).optional(),
    owns: projects,
    watches: projects,
  }).optional(),
)
