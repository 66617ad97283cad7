import type { SelinuxContext } from '../appspec/types.ts';
import type { AttributeProgram } from './attribute-programs.ts';
import { type HeldObject, holdObject, nameInstead } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';
import type { OldAttributes, OldContext } from './operations.ts';
import type { PlannedPermission } from './types.ts';

/** The programs that read and set what Node cannot. Argument vectors, never a shell. */
export interface AttributeTools {
  isInstalled(program: AttributeProgram): boolean;
  /** Replaces the whole ACL, a folder's default entries included. */
  setfacl(path: string, entries: readonly string[]): void;
  /** The whole ACL, users and groups as numbers. */
  getfacl(path: string): readonly string[];
  /** The rules that this host has beside its policy's own, by the expression that stands for the path. */
  contextRules(): ReadonlyMap<string, SelinuxContext>;
  /** The label of an object; null: there is no SELinux. */
  label(path: string): string | null;
  /** Makes a rule for the path, or changes the one that is there, and puts the label on. */
  setContext(path: string, context: SelinuxContext, rule: SelinuxContext | null): void;
  /** @param rule null: there was none */
  restoreRule(path: string, rule: SelinuxContext | null): void;
  setLabel(path: string, label: string): void;
  /** Takes a rule away again; that there is none is no fault. */
  dropContext(path: string): void;
}

/**
 * Owner, then mode, then ACL. The order matters: Linux takes setuid and setgid away when the owner changes, even for root, so a mode that
 * was set before would be lost. Contexts come later, when the object has its final name.
 */
export function applyPermission(
  fs: InstallFs,
  tools: AttributeTools,
  path: string,
  permission: PlannedPermission,
): void {
  onObject(fs, path, (object) => setAttributes(tools, object, permission));
}

export type AclTool = Pick<AttributeTools, 'setfacl'>;

/** The same for an object that is held already. */
export function setAttributes(
  tools: AclTool,
  object: Omit<HeldObject, keyof Disposable>,
  { uid, gid, mode, acls }: PlannedPermission,
): void {
  const stats = object.stats();
  if (uid !== null || gid !== null) object.chown(uid ?? stats.uid, gid ?? stats.gid);
  // A link has no mode or ACL of its own, and through it another object would get them.
  if (stats.isSymbolicLink()) return;
  if (mode !== null) object.chmod(mode);
  if (acls !== null) tools.setfacl(object.path, completeAcl(acls, object.stats().mode));
}

/** The reverse, from what was noted. The mode comes last: of an ACL it is the mask. Attributes that are as they were are left alone. */
export function restoreAttributes(fs: InstallFs, tools: AttributeTools, path: string, before: OldAttributes): void {
  onObject(fs, path, (object) => {
    const { uid, gid } = object.stats();
    if (uid !== before.uid || gid !== before.gid) object.chown(before.uid, before.gid);
    if (before.acl !== undefined && before.acl !== null) tools.setfacl(object.path, before.acl);
    if ((object.stats().mode & 0o7777) !== before.mode) object.chmod(before.mode);
  });
}

export function restoreContext(fs: InstallFs, tools: AttributeTools, path: string, { rule, label }: OldContext): void {
  tools.restoreRule(path, rule);
  if (label !== null) onObject(fs, path, (object) => tools.setLabel(object.path, label));
}

/** Whatever its name stands for in the meantime. */
function onObject(fs: InstallFs, path: string, change: (object: HeldObject) => void): void {
  using object = holdObject(fs, path);
  try {
    change(object);
  } catch (error) {
    throw nameInstead(error, object.path, path);
  }
}

/**
 * Completes the AppSpec file's entries to a whole ACL. It adds the base entries, made from the mode, a mask where named entries exist
 * without one, and the same again for default entries.
 *
 * @see the official agent 1.8.1, `install_instruction.rb`, for which entries are made from what
 */
export function completeAcl(entries: readonly string[], mode: number): string[] {
  const bits = { user: letters(mode >> 6), group: letters(mode >> 3), other: letters(mode) };
  const complete = [`user::${bits.user}`, `group::${bits.group}`, `other::${bits.other}`, ...entries];
  const plain = entries.filter((entry) => !entry.startsWith('default:'));
  const isNamed = (entry: string) => /^(user|group):[^:]/.test(entry);
  if (plain.some(isNamed) && !plain.some((entry) => entry.startsWith('mask:'))) complete.push(`mask::${bits.group}`);
  const defaults = entries.flatMap((entry) => (entry.startsWith('default:') ? entry.slice('default:'.length) : []));
  if (defaults.length === 0) return complete;
  for (const type of ['user', 'group', 'other'] as const) {
    if (!defaults.some((entry) => entry.startsWith(`${type}::`))) complete.push(`default:${type}::${bits[type]}`);
  }
  if (defaults.some(isNamed) && !defaults.some((entry) => entry.startsWith('mask:'))) {
    const group = defaults.find((entry) => entry.startsWith('group::'))?.slice('group::'.length) ?? bits.group;
    complete.push(`default:mask::${group}`);
  }
  return complete;
}

function letters(bits: number): string {
  return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
}
