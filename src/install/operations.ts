/**
 * From the plan to the steps that carry it out: what is staged where, and which renames make it real. Pure.
 *
 * A new object stands under a hidden name in the folder where it will be. So one rename puts it in place: a single file, or a whole new
 * subtree. The old object that it replaces keeps a second name until the end.
 */
import { dirname, join } from 'node:path/posix';
import type { SelinuxContext } from '../appspec/types.ts';
import { childPath } from './child-path.ts';
import type { InstallPlan, ObjectFacts, PlannedPermission, TreeView } from './types.ts';

/** One thing to build under a hidden name. */
export type StagingStep =
  | { readonly step: 'folder'; readonly temp: string }
  | {
      readonly step: 'copy';
      readonly temp: string;
      readonly source: string;
      readonly kind: 'file' | 'symlink';
      /** Permission of a file. It is given to the very file that was written, and to none that has come to its name since. */
      readonly permission: PlannedPermission | null;
    }
  /** A copy of what another hand has changed on the host; it goes again with a rollback. */
  | { readonly step: 'save'; readonly path: string; readonly temp: string }
  | { readonly step: 'text'; readonly temp: string; readonly lines: Iterable<string> }
  | { readonly step: 'permission'; readonly temp: string; readonly permission: PlannedPermission };

/** One change of the host that can be undone. */
export type CommitOperation =
  | { readonly op: 'place'; readonly temp: string; readonly path: string; readonly backup: string | null }
  | { readonly op: 'remove'; readonly path: string; readonly backup: string }
  /** A folder of the previous Install that stays. */
  | {
      readonly op: 'attributes';
      readonly path: string;
      readonly before: OldAttributes;
      readonly permission: PlannedPermission;
    }
  /** A rule and a label; after `place`, because a label is put on under the final name. */
  | {
      readonly op: 'context';
      readonly path: string;
      readonly before: OldContext;
      readonly context: SelinuxContext;
    }
  /** A file whose content is right already gets its new mode and time in place. */
  | {
      readonly op: 'touch';
      readonly path: string;
      readonly before: TouchedAttributes;
      readonly after: TouchedAttributes;
    };

/** Attributes that a permission changes of an object that stays. Other extended attributes stay as they are. */
export interface OldAttributes extends Pick<ObjectFacts, 'mode' | 'uid' | 'gid'> {
  /** Null when the ACL is not replaced: what a mode does to an ACL, the old mode undoes. Journals of older versions have none. */
  readonly acl?: readonly string[] | null;
}

export interface OldContext {
  /** The host's own rule for the path. */
  readonly rule: SelinuxContext | null;
  /** SELinux label of an object that stays, on a host with SELinux; else null. */
  readonly label: string | null;
}

export interface TouchedAttributes {
  readonly mode: number;
  readonly mtimeMs: number;
}

export interface Operations {
  /** Derived from the plan as they are taken: twenty thousand of them at once are memory for nothing. */
  readonly staging: Iterable<StagingStep>;
  readonly commit: readonly CommitOperation[];
  /** Where in `commit` those stand that put a file into the place of a file or of nothing: each is apart from all others. */
  readonly apart: { readonly from: number; readonly to: number };
  /** Folders of the previous Install to remove at the end if they are empty, innermost first. */
  readonly folderRemovals: readonly string[];
}

/** A file of the agent's own that changes together with the tree. */
export interface BookkeepingFile {
  readonly path: string;
  /** Its text in pieces, which are written as they come. */
  readonly lines: Iterable<string>;
}

/** Looks at what only programs can see. It is asked for nothing but what the plan changes. */
export interface AttributeView {
  /** The whole ACL, default entries as well. */
  acl(path: string): readonly string[];
  contextRule(path: string): SelinuxContext | null;
  /** null: the host has no SELinux. */
  label(path: string): string | null;
}

export interface OperationsInput {
  readonly plan: InstallPlan;
  readonly host: TreeView;
  readonly attributes: AttributeView;
  readonly deploymentId: string;
  readonly bookkeeping: readonly BookkeepingFile[];
  /** The folder for copies of what another hand has changed; it is not there yet. */
  readonly savedFilesDir: string;
}

export function planOperations(input: OperationsInput): Operations {
  const { plan, host, attributes } = input;
  const hiddenName = createHiddenNames(input.deploymentId);
  const commit: CommitOperation[] = [];
  /** Hidden names of new folders, and of new files in folders that stay; the place of any other file follows from its folder. */
  const hiddenNames = new Map<string, string>();
  const displaced: string[] = [];
  const overFolders: CommitOperation[] = [];

  /** undefined: nothing is built for the path. */
  const stagedAt = (path: string): string | undefined => {
    const own = hiddenNames.get(path);
    if (own !== undefined) return own;
    const nameAt = path.lastIndexOf('/');
    const parent = hiddenNames.get(path.slice(0, nameAt));
    return parent === undefined ? undefined : parent + path.slice(nameAt);
  };
  /** Where a new object is built: inside its folder if that is new as well, else under a hidden name beside its place. */
  const stage = (path: string): string => {
    const inside = stagedAt(path);
    if (inside !== undefined) return inside;
    const before = host.lstat(path);
    const { temp, backup } = hiddenName(dirname(path));
    const operation = { op: 'place', temp, path, backup: before === null ? null : backup } as const;
    if (before?.kind === 'directory') {
      displaced.push(path);
      overFolders.push(operation);
    } else commit.push(operation);
    hiddenNames.set(path, temp);
    return temp;
  };

  for (const path of plan.folders) {
    // A folder of the previous Install that stays is used as it is.
    if (host.lstat(path)?.kind !== 'directory') hiddenNames.set(path, stage(path));
  }
  const from = commit.length;
  for (const { path } of plan.files) stage(path);
  const apart = { from, to: commit.length };
  commit.push(...overFolders);
  const unchanged = new Set(plan.unchanged.map(({ path }) => path));
  for (const { path, newMode, newMtimeMs } of plan.unchanged) {
    const there = host.lstat(path);
    if (there === null || (newMode === null && newMtimeMs === null)) continue;
    const before = { mode: there.mode, mtimeMs: there.mtimeMs };
    const after = { mode: newMode ?? there.mode, mtimeMs: newMtimeMs ?? there.mtimeMs };
    commit.push({ op: 'touch', path, before, after });
  }
  for (const permission of plan.permissions) {
    if (unchanged.has(permission.path) || stagedAt(permission.path) !== undefined) continue;
    const before = host.lstat(permission.path);
    if (before === null) continue;
    const { mode, uid, gid } = before;
    const acl = permission.acls === null ? null : attributes.acl(permission.path);
    commit.push({ op: 'attributes', path: permission.path, before: { mode, uid, gid, acl }, permission });
  }
  const isDisplaced = (path: string) => displaced.some((folder) => path.startsWith(`${folder}/`) || path === folder);
  for (const path of plan.removals) {
    if (!isDisplaced(path)) commit.push({ op: 'remove', path, backup: hiddenName(dirname(path)).backup });
  }
  for (const { path, context } of plan.permissions) {
    if (context === null) continue;
    const label = stagedAt(path) !== undefined ? null : attributes.label(path);
    commit.push({ op: 'context', path, context, before: { rule: attributes.contextRule(path), label } });
  }
  const texts = input.bookkeeping.map(({ path, lines }) => {
    const { temp, backup } = hiddenName(dirname(path));
    commit.push({ op: 'place', temp, path, backup: host.lstat(path) === null ? null : backup });
    return { step: 'text', temp, lines } as const;
  });

  function* stagingSteps(): Generator<StagingStep> {
    for (const path of plan.saved) yield { step: 'save', path, temp: join(input.savedFilesDir, path) };
    for (const path of plan.folders) {
      const temp = hiddenNames.get(path);
      if (temp !== undefined) yield { step: 'folder', temp };
    }
    const permissions = new Map(plan.permissions.map((permission) => [permission.path, permission]));
    for (const { path, source, kind } of plan.files) {
      const permission = kind === 'file' ? (permissions.get(path) ?? null) : null;
      if (permission !== null) permissions.delete(path);
      yield { step: 'copy', temp: stage(path), source, kind, permission };
    }
    for (const permission of permissions.values()) {
      const temp = unchanged.has(permission.path) ? undefined : stagedAt(permission.path);
      if (temp !== undefined) yield { step: 'permission', temp, permission };
    }
    yield* texts;
  }

  return {
    staging: stagingSteps(),
    commit,
    apart,
    folderRemovals: plan.folderRemovals.filter((path) => !isDisplaced(path)),
  };
}

/** Names that nobody else uses, hidden from most eyes, and recognisable to an operator who finds one after a disaster. */
function createHiddenNames(
  deploymentId: string,
): (folder: string) => { readonly temp: string; readonly backup: string } {
  let count = 0;
  return (folder) => {
    count += 1;
    const base = childPath(folder, `.slipway-${deploymentId}-${count}`);
    return { temp: `${base}.new`, backup: `${base}.old` };
  };
}
