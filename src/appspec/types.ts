/** The AppSpec file of the EC2/On-Premises platform, checked and with every default filled in. Pure. */

import type { FileExistsBehavior } from '../protocol/specification.ts';
import type { LintRuleId } from './rules.ts';

export interface AppSpec {
  readonly os: 'linux' | 'windows';
  /** null: the deployment's own setting applies. */
  readonly fileExistsBehavior: FileExistsBehavior | null;
  readonly files: readonly FileMapping[];
  readonly permissions: readonly Permission[];
  /** Event name → scripts in the order they run. An event with an empty list has no scripts. */
  readonly hooks: ReadonlyMap<string, readonly Hook[]>;
}

export interface FileMapping {
  /** Relative to the archive's root; empty means the whole revision. */
  readonly source: string;
  /** Absolute folder. */
  readonly destination: string;
}

export interface Hook {
  /** Path of the script, relative to the archive's root. */
  readonly location: string;
  readonly timeoutSeconds: number;
  /** null: the agent's own user. */
  readonly runas: string | null;
  readonly sudo: boolean;
}

export interface Permission {
  readonly object: string;
  readonly pattern: string;
  readonly except: readonly string[];
  readonly types: readonly ('file' | 'directory')[];
  readonly owner: string | null;
  readonly group: string | null;
  /** Three or four octal digits. */
  readonly mode: string | null;
  /** Canonical entries, `[default:]type:name:rwx`; null: unchanged. */
  readonly acls: readonly string[] | null;
  readonly context: SelinuxContext | null;
}

export interface SelinuxContext {
  readonly user: string | null;
  readonly type: string;
  /** Normalised; null: unchanged. */
  readonly range: string | null;
}

/** Where in a text: both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where in the text the entries of an AppSpec stand that was read from it. */
export interface Places {
  /**
   * @param entry a hook, a mapping of files or a permission, the very object
   * @param key one of its keys; absent, or not written there: the entry itself
   */
  placeOf(entry: object, key?: string): Position | null;
}

/** Something to say about an AppSpec file. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** A stable name of the catalogue in `rules.ts`. */
  readonly rule: LintRuleId;
  readonly message: string;
  /** null: it concerns the file as a whole. */
  readonly position: Position | null;
}

export type AppSpecResult =
  | { readonly ok: true; readonly appSpec: AppSpec; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };
