/** The install plan as data: what Install will do to this host, before it does any of it. */

import type { FileMapping, Permission, SelinuxContext } from '../appspec/types.ts';

/** Facts about the object at a path. Symbolic links are what they are; nothing is followed. */
export interface ObjectFacts {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** When anything of it changed last, which nobody can set at will. */
  readonly ctimeMs: number;
  /** Names that the object has. */
  readonly links: number;
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

/** Rules that the operator may have relaxed; see the keys of the same names in `docs/config.md`. */
export interface InstallRules {
  readonly rejectUnsafePermissions: boolean;
  readonly rejectUnconfinedSelinux: boolean;
}

/** A file or folder that is the agent's own: nothing is installed to it, nor below it. */
export interface OwnPlace {
  /** Use of the place for the agent, for messages: `its identity (on_premises_config_file)`. */
  readonly what: string;
  readonly path: string;
  /** Whether a copy of it would give the agent's powers away: no revision may hold one. */
  readonly isPrivate?: boolean;
  /** Beginning of the names that are the agent's in this folder, which others use as well. */
  readonly prefix?: string;
}

/** The place of the agent's that a path is, or lies in; null: none. */
export interface OwnPlaceLookup {
  ofFolder(path: string): OwnPlace | null;
  /** @param facts what is there now */
  ofFile(path: string, facts: ObjectFacts | null): OwnPlace | null;
}

/** A file or link of the revision. */
export interface PlannedFile {
  readonly path: string;
  readonly source: string;
  readonly kind: 'file' | 'symlink';
  /** Facts about the source. */
  readonly facts: ObjectFacts;
  /** Where a link points to; null for a file. */
  readonly target: string | null;
}

/** A file that is on the host as the revision has it, so that it is not written again. */
export interface UnchangedFile extends PlannedFile {
  /** Mode to be set in place; null: as it is. */
  readonly newMode: number | null;
  readonly newMtimeMs: number | null;
}

/** A file of the revision that is not brought, because one is there. */
export interface KeptFile {
  readonly path: string;
  readonly why: KeepReason;
}

/** `identical`: it holds the same. `retained`: the deployment says RETAIN. `protected`: the host's configuration says so. */
export type KeepReason = 'identical' | 'retained' | 'protected';

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
  readonly context: SelinuxContext | null;
}

/** A line of the cleanup file: something that the next Install has to take away. */
export type CleanupEntry =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'semanage'; readonly path: string };

/** A file or folder that was another group's until this Install. */
export interface TakenOver {
  readonly path: string;
  readonly groupId: string;
  readonly groupName: string;
}

/** Entries that are removed from the other groups' records. */
export interface Struck {
  readonly groupId: string;
  /** Entries that stay in that group's cleanup file. */
  readonly remaining: readonly CleanupEntry[];
  /** Paths whose SELinux rule that group would have dropped. */
  readonly contexts: readonly string[];
}

export interface InstallPlan {
  /** Folders that belong to this revision, outermost first, whether they must be made or are left from the last one. */
  readonly folders: readonly string[];
  /** Files that are written: new ones, and those that are not as they are on the host. */
  readonly files: readonly PlannedFile[];
  /** Files of this revision that are there already, from the previous one as a rule. */
  readonly unchanged: readonly UnchangedFile[];
  /** Files that are there, stay as they are, and are not counted as this deployment group's because of this Install. */
  readonly kept: readonly KeptFile[];
  /** Paths that the previous Install brought and this one does not. */
  readonly removals: readonly string[];
  /** Folders of the previous Install, innermost first: they go if they are empty. */
  readonly folderRemovals: readonly string[];
  /** Replaced or removed files that another hand has changed since the last Install; they are saved before. */
  readonly saved: readonly string[];
  /** Paths that the previous Install brought and that would have to go, but are protected: they stay, and stay this group's. */
  readonly carried: readonly string[];
  readonly staleContexts: readonly string[];
  /** Files that were another deployment group's and are this one's from now on. */
  readonly takenOver: readonly TakenOver[];
  /** The records of other groups that lose something by this Install. */
  readonly struck: readonly Struck[];
  readonly permissions: readonly PlannedPermission[];
}

/** One thing that Install does to one object of the host, or leaves: what a dry run shows. */
export type PlannedChange =
  | {
      readonly change: 'create' | 'replace';
      readonly path: string;
      readonly kind: 'file' | 'symlink' | 'directory';
      /** null for a folder that no source stands for. */
      readonly source: string | null;
    }
  | { readonly change: 'keep'; readonly path: string; readonly why: KeepReason }
  /** A folder goes only if nothing else is in it by then. */
  | { readonly change: 'delete'; readonly path: string; readonly kind: 'file' | 'symlink' | 'directory' | 'other' }
  /** Somebody has changed it since the last Install; a copy is kept below the deployment's folder. */
  | { readonly change: 'save'; readonly path: string }
  /** The file was another deployment group's, and is this one's from then on. */
  | { readonly change: 'take-over'; readonly path: string; readonly groupId: string; readonly groupName: string }
  | { readonly change: 'touch'; readonly path: string; readonly mtimeMs: number }
  | { readonly change: 'chmod'; readonly path: string; readonly mode: string; readonly before: string | null }
  | { readonly change: 'chown'; readonly path: string; readonly owner: string | null; readonly group: string | null }
  | { readonly change: 'acl'; readonly path: string; readonly entries: readonly string[] }
  | { readonly change: 'context'; readonly path: string; readonly context: SelinuxContext };

/** Why an Install cannot be done. */
export interface PlanProblem {
  readonly rule:
    | 'source-missing'
    | 'source-escapes'
    | 'source-unusable'
    | 'destination-climbs'
    | 'destination-relative'
    | 'duplicate-destination'
    | 'file-exists'
    | 'other-group'
    | 'other-group-cut-off'
    | 'no-space'
    | 'no-inodes'
    | 'tool-missing'
    | 'in-the-way'
    | 'file-for-folder'
    | 'folder-for-file'
    | 'name-too-long'
    | 'untrusted-link'
    | 'own-place'
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
