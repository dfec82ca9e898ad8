import type { AccessObject } from '@flotilla/core/access/object'
import type { GateScope } from '@flotilla/core/gates/rules'
import { Problem } from '../api/problem.ts'
import { namedObject } from './objects.ts'
import type { Rights } from './rights.ts'

/** What rights on a freeze or a window are about: which it is, which Projects it concerns, whose it is. */
export interface GateFacts {
  readonly resource: 'freezes' | 'windows'
  readonly name: string
  /** Globs of the Projects that it concerns and no others; undefined: it may concern every one. */
  readonly projects?: readonly string[] | undefined
  /** The Team that may change it. */
  readonly owner?: string | undefined
}

/** The Projects beyond which a scope does not reach; undefined when it names none. */
export function projectsOf(scope: GateScope | undefined): readonly string[] | undefined {
  const { projects } = scope ?? {}
  return Array.isArray(projects) && projects.length > 0 ? projects.map(String) : undefined
}

/**
 * The gate once for each Project that it may concern, as rows and scopes of bindings are asked about it. One that may
 * concern every Project belongs to none: only rights that no Project limits count for it.
 *
 * A glob stands for Projects that there may be one day, so it is asked about by what it may match: whoever may close
 * `shop-?` may not close `shop-*`.
 */
export function gateObjects({ resource, name, projects }: GateFacts): readonly AccessObject[] {
  if (projects === undefined) return [namedObject(resource, name)]
  return projects.flatMap(project => matchesOf(project).map(each => namedObject(resource, name, each)))
}

function matchesOf(glob: string): readonly string[] {
  if (!/[*?[{\\]/.test(glob)) return [glob]
  const filled = ['', '0', 'zz-zz-zz'].map(text => glob.replaceAll(/\*+/g, text))
  return [...new Set([glob, ...filled.map(text => text.replaceAll('?', 'z'))])].filter(text => text !== '')
}

/** Whoever owns a gate sees it; else who may see it of one of the Projects that it concerns. */
export function seesGate(gate: GateFacts, rights: Rights): boolean {
  return isOwner(gate, rights) || gateObjects(gate).some(object => rights.sees(object))
}

/**
 * Lets pass who may change or end a gate. One that has an owner is changed by the people of that Team, and by whoever
 * may change every gate; others may change it where they may change it of all the Projects that it concerns.
 *
 * @throws Problem `NOT_FOUND`, `FORBIDDEN`
 */
export function requireGate(gate: GateFacts, action: 'update' | 'delete', rights: Rights): void {
  if (!seesGate(gate, rights)) throw new Problem('NOT_FOUND')
  if (mayChangeAll(gate.resource, action, rights)) return
  const ownerDecides = gate.owner !== undefined && rights.inForce.policy.teams.named(gate.owner) !== undefined
  if (ownerDecides ? isOwner(gate, rights) : gateObjects(gate).every(object => rights.may(action, object))) return
  throw new Problem('FORBIDDEN')
}

/** Lets pass who may make a gate: for all of the Projects that it concerns, and owned by nobody or a Team of his own. */
export function requireNewGate(gate: GateFacts, rights: Rights): void {
  if (mayChangeAll(gate.resource, 'create', rights)) return
  if (!gateObjects(gate).every(object => rights.may('create', object))) throw new Problem('FORBIDDEN')
  if (gate.owner === undefined || isOwner(gate, rights)) return
  const message = 'is a Team that you are not in: only its own people may make a gate that it owns'
  throw new Problem('GATE_INVALID', { errors: [{ pointer: '/body/metadata/owner', message }] })
}

function mayChangeAll(resource: GateFacts['resource'], action: string, rights: Rights): boolean {
  return rights.may(action, namedObject(resource, '*'))
}

/** Whether the caller is of the Team that owns it; nobody is of a Team that is not declared. */
export function isOwner({ owner }: Pick<GateFacts, 'owner'>, rights: Rights): boolean {
  return owner !== undefined && rights.isOfTeam(owner)
}
