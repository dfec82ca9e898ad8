import { account } from './account.ts'
import { activity } from './activity.ts'
import { agent } from './agent.ts'
import { app } from './app.ts'
import { appset } from './appset.ts'
import { audit } from './audit.ts'
import { cluster } from './cluster.ts'
import { completion } from './completion.ts'
import { confirmation } from './confirmation.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { expandVerb } from './expand.ts'
import { explain } from './explain.ts'
import { fleet } from './fleet.ts'
import { freeze } from './freeze.ts'
import { healthVerb } from './health.ts'
import { hub } from './hub.ts'
import { login } from './login.ts'
import { notification } from './notification.ts'
import { override } from './override.ts'
import { preview } from './preview.ts'
import { project } from './project.ts'
import { rbac } from './rbac.ts'
import { render } from './render.ts'
import { schema } from './schema.ts'
import { source } from './source.ts'
import { team } from './team.ts'
import { token } from './token.ts'
import { validate } from './validate.ts'
import type { Verb } from './verb.ts'
import { version } from './version.ts'
import { versions } from './versions.ts'
import { window } from './window.ts'

/** Every verb, in the order in which `--help` lists them. A new one is a file beside this and a line here. */
export const VERBS: readonly Verb[] = [
  validate,
  expandVerb,
  explain,
  preview,
  render,
  window,
  rbac,
  schema,
  healthVerb,
  demo,
  hub,
  agent,
  doctor,
  login,
  account,
  fleet,
  app,
  appset,
  cluster,
  confirmation,
  project,
  team,
  source,
  freeze,
  override,
  notification,
  activity,
  audit,
  token,
  completion,
  version,
  versions,
]
