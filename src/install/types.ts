/** The install plan as data: what Install will do to this host, before it does any of it. */

import type { FileMapping, Permission } from '../appspec/types.ts';

/** What stands at a path. Symbolic links are what they are; nothing is followed. */
export interface ObjectFacts {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A read-only look at a tree of files: the archive's or the host's. Paths are absolute. */
export interface TreeView {
  /** null: nothing is there. */
  lstat(path: string): ObjectFacts | null;
  readdir(path: string): readonly string[];
  readlink(path: string): string;
  /** The path with every link on the way followed; null when it leads nowhere. */
  realpath(path: string): string | null;
  /** Whether two regular files hold the same bytes. */
  sameContent(a: string, b: string): boolean;
}

/** Names of users and groups → numbers; null for a name that nobody has. */
export interface IdLookup {
  userId(name: string): number | null;
  groupId(name: string): number | null;
}

/** What the operator may have relaxed; see the keys of the same names in `docs/config.md`. */
export interface InstallRules {
  readonly rejectUnsafePermissions: boolean;
  readonly rejectUnconfinedSelinux: boolean;
}

/** A file or link that this Install brings. */
export interface PlannedFile {
  readonly path: string;
  readonly source: string;
  readonly kind: 'file' | 'symlink';
}

/** How one object is to be when Install is done. */
export interface PlannedPermission {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly uid: number | null;
  readonly gid: number | null;
  readonly owner: string | null;
  readonly group: string | null;
  readonly mode: number | null;
  /** Canonical entries of the AppSpec file; the base entries come from the mode when they are applied. */
  readonly acls: readonly string[] | null;
  readonly context: { readonly user: string | null; readonly type: string; readonly range: string | null } | null;
}

/** A line of the cleanup file: something that the next Install has to take away. */
export type CleanupEntry =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'semanage'; readonly path: string };

export interface InstallPlan {
  /** Folders that belong to this revision, outermost first, whether they must be made or are left from the last one. */
  readonly folders: readonly string[];
  readonly files: readonly PlannedFile[];
  /** Files that are there and stay: retained, or the same as the revision's. */
  readonly kept: readonly string[];
  /** What the previous Install brought and this one does not. */
  readonly removals: readonly string[];
  /** Folders of the previous Install, innermost first: they go if they are empty. */
  readonly folderRemovals: readonly string[];
  readonly staleContexts: readonly string[];
  readonly permissions: readonly PlannedPermission[];
}

/** Why an Install cannot be done. */
export interface PlanProblem {
  readonly rule:
    | 'source-missing'
    | 'source-escapes'
    | 'source-loop'
    | 'source-unusable'
    | 'destination-climbs'
    | 'duplicate-destination'
    | 'file-exists'
    | 'in-the-way'
    | 'untrusted-link'
    | 'unknown-user'
    | 'unknown-group'
    | 'permission-pattern'
    | 'permission-duplicate'
    | 'permission-acl'
    | 'permission-unsafe'
    | 'context-unconfined';
  readonly path: string;
  readonly message: string;
  /** The entry of the AppSpec file that it comes from; null: from none alone. */
  readonly origin: FileMapping | Permission | null;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: InstallPlan }
  | { readonly ok: false; readonly problems: readonly PlanProblem[] };
