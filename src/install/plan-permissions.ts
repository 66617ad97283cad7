/** Turns the permissions of an AppSpec file into those of this host, or into every reason why they cannot be given. Pure. */
import { normalize } from 'node:path/posix';
import type { AppSpec } from '../appspec/types.ts';
import { SYSTEM_PROGRAMS } from '../system/program-table.ts';
import { type AttributeProgram, programsFor } from './attribute-programs.ts';
import { type MatchCandidates, matchPermissions, type PermissionMatch } from './permissions-match.ts';
import type { IdLookup, InstallRules, OwnPlace, OwnPlaceLookup, PlannedPermission, PlanProblem } from './types.ts';

export interface PermissionsInput {
  readonly appSpec: Pick<AppSpec, 'permissions'>;
  readonly rules: InstallRules;
  readonly ids: IdLookup;
  readonly ownPlaces?: OwnPlaceLookup;
  /** Which of the programs that set ACLs and contexts the host has; without it, all. */
  hasProgram?(program: AttributeProgram): boolean;
}

export interface PermissionsResult {
  readonly permissions: readonly PlannedPermission[];
  readonly problems: readonly PlanProblem[];
}

/** SELinux types that take the confinement away. */
const UNCONFINED = new Set(['unconfined_t', 'kernel_t', 'init_t']);
/** setuid, setgid: bits that give rights away. */
const UNSAFE_BITS = 0o6000;

export function planPermissions(input: PermissionsInput, candidates: MatchCandidates): PermissionsResult {
  const { matches, problems } = matchPermissions(input.appSpec.permissions, candidates);
  const planned = matches.map((match) => ({ match, permission: planOne(match, input.ids) }));
  return {
    permissions: planned.map(({ permission }) => permission),
    problems: [
      ...problems,
      ...permissionsOnOwnPlaces(input),
      ...planned.flatMap(({ match, permission }) => problemsOf(match, permission, input)),
      ...missingPrograms(planned, input),
    ],
  };
}

/** Says why nothing is installed there; for behind the path. */
export function describeOwnPlace(path: string, { what, path: place, prefix }: OwnPlace): string {
  const where = prefix === undefined ? place : `${place}/${prefix}*`;
  return where === path ? `is the agent’s own: ${what}` : `belongs to the agent’s own ${where}: ${what}`;
}

/** Whether or not the entry would apply to anything: nobody means it, or nobody should. */
function permissionsOnOwnPlaces({ appSpec, ownPlaces }: PermissionsInput): PlanProblem[] {
  return appSpec.permissions.flatMap((permission) => {
    const path = normalize(permission.object).replace(/(?<=.)\/$/, '');
    const place = path.startsWith('/') ? ownPlaces?.ofFolder(path) : null;
    if (place == null) return [];
    const message = `the permissions of ${path} cannot be set: it ${describeOwnPlace(path, place)}`;
    return [{ rule: 'own-place', path, message, origin: permission }];
  });
}

interface Planned {
  readonly match: PermissionMatch;
  readonly permission: PlannedPermission;
}

function planOne({ path, kind, permission }: PermissionMatch, ids: IdLookup): PlannedPermission {
  const { owner, group, mode, acls, context } = permission;
  return {
    path,
    kind,
    uid: owner === null ? null : ids.userId(owner),
    gid: group === null ? null : ids.groupId(group),
    owner,
    group,
    mode: mode === null ? null : Number.parseInt(mode, 8),
    acls,
    context,
  };
}

function problemsOf(match: PermissionMatch, planned: PlannedPermission, input: PermissionsInput): PlanProblem[] {
  const { path, permission: origin } = match;
  const { ids, rules } = input;
  const problems: PlanProblem[] = [];
  const add = (rule: PlanProblem['rule'], message: string) => problems.push({ rule, path, message, origin });
  const { uid, gid, owner, group, mode, context } = planned;
  if (owner !== null && uid === null) {
    add('unknown-user', `${path} would belong to the user '${owner}', who does not exist here`);
  }
  if (group !== null && gid === null) {
    add('unknown-group', `${path} would belong to the group '${group}', which does not exist here`);
  }
  for (const { type, name } of namedAclEntries(planned.acls ?? [])) {
    if (type === 'user' && ids.userId(name) === null) {
      add('unknown-user', `the ACL of ${path} names the user '${name}', who does not exist here`);
    } else if (type === 'group' && ids.groupId(name) === null) {
      add('unknown-group', `the ACL of ${path} names the group '${name}', which does not exist here`);
    }
  }
  if (mode !== null && (mode & UNSAFE_BITS) !== 0 && rules.rejectUnsafePermissions) {
    add('permission-unsafe', `${path} would get the mode ${origin.mode}, with setuid or setgid`);
  }
  if (context !== null && UNCONFINED.has(context.type) && rules.rejectUnconfinedSelinux) {
    add('context-unconfined', `${path} would get the SELinux type ${context.type}`);
  }
  return problems;
}

/** Each program is told of once, for the first path that needs it. */
function missingPrograms(planned: readonly Planned[], { hasProgram }: PermissionsInput): PlanProblem[] {
  const missing = new Map<AttributeProgram, PlanProblem>();
  for (const { match, permission } of planned) {
    for (const program of programsFor(permission)) {
      if (missing.has(program) || hasProgram?.(program) !== false) continue;
      const { path, permission: origin } = match;
      missing.set(program, { rule: 'tool-missing', path, message: describeMissing(program, path), origin });
    }
  }
  return [...missing.values()];
}

function describeMissing(program: AttributeProgram, path: string): string {
  const what = program === 'setfacl' ? 'an ACL' : 'an SELinux context';
  return `${path} would get ${what}, and the program ${program} is not installed (on Debian and Ubuntu the package ${SYSTEM_PROGRAMS[program].debianPackage})`;
}

/** The users and groups that canonical ACL entries name; a number needs nobody to have it. */
function namedAclEntries(entries: readonly string[]): { readonly type: string; readonly name: string }[] {
  return entries.flatMap((entry) => {
    const [type = '', name = ''] = entry.replace(/^default:/, '').split(':');
    return name === '' || /^\d+$/.test(name) ? [] : [{ type, name }];
  });
}
