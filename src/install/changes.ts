/** The plan as a list of what happens to each object, for people and for a dry run. Pure. */
import type { InstallPlan, ObjectFacts, PlannedChange, PlannedPermission, TreeView } from './types.ts';

/** @param host as it is now, before the Install */
export function changesOf(plan: InstallPlan, host: TreeView): PlannedChange[] {
  const isThere = (path: string) => host.lstat(path) !== null;
  const unchanged = new Set(plan.unchanged.map(({ path }) => path));
  return [
    ...plan.saved.map((path): PlannedChange => ({ change: 'save', path })),
    ...plan.takenOver.map((one): PlannedChange => ({ change: 'take-over', ...one })),
    ...plan.folders.flatMap((path): PlannedChange[] => {
      if (host.lstat(path)?.kind === 'directory') return [];
      return [{ change: isThere(path) ? 'replace' : 'create', path, kind: 'directory', source: null }];
    }),
    ...plan.files.map(
      ({ path, kind, source }): PlannedChange => ({ change: isThere(path) ? 'replace' : 'create', path, kind, source }),
    ),
    ...plan.unchanged.flatMap(({ path, newMode, newMtimeMs }): PlannedChange[] => {
      const changes: PlannedChange[] = [];
      if (newMode !== null) {
        changes.push({ change: 'chmod', path, mode: octal(newMode), before: octalOf(host.lstat(path)) });
      }
      if (newMtimeMs !== null) changes.push({ change: 'touch', path, mtimeMs: newMtimeMs });
      return changes.length > 0 ? changes : [{ change: 'keep', path, why: 'identical' }];
    }),
    ...plan.kept.map(({ path, why }): PlannedChange => ({ change: 'keep', path, why })),
    ...plan.removals.map((path): PlannedChange => ({ change: 'delete', path, kind: host.lstat(path)?.kind ?? 'file' })),
    ...plan.folderRemovals.map((path): PlannedChange => ({ change: 'delete', path, kind: 'directory' })),
    ...plan.permissions.flatMap((permission) => (unchanged.has(permission.path) ? [] : attributesOf(permission, host))),
  ];
}

/** Lists the attributes that change; of an object that stays, only those that differ. */
function attributesOf(permission: PlannedPermission, host: TreeView): PlannedChange[] {
  const { path, kind, owner, group, uid, gid, mode, acls, context } = permission;
  const before = host.lstat(path);
  const stays = kind === 'directory' && before?.kind === 'directory' ? before : null;
  const changes: PlannedChange[] = [];
  const sameOwner = stays !== null && (uid ?? stays.uid) === stays.uid && (gid ?? stays.gid) === stays.gid;
  if ((owner !== null || group !== null) && !sameOwner) changes.push({ change: 'chown', path, owner, group });
  if (mode !== null && stays?.mode !== mode) {
    changes.push({ change: 'chmod', path, mode: octal(mode), before: octalOf(before) });
  }
  if (acls !== null) changes.push({ change: 'acl', path, entries: acls });
  if (context !== null) changes.push({ change: 'context', path, context });
  return changes;
}

function octalOf(facts: ObjectFacts | null): string | null {
  return facts === null ? null : octal(facts.mode);
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}
