import { execaSync } from 'execa';
import type { SelinuxContext } from '../appspec/types.ts';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { programEnvironment } from '../system/program-environment.ts';
import { installationOf } from '../system/program-table.ts';
import { findProgram } from '../system/programs.ts';
import type { AttributeProgram } from './attribute-programs.ts';
import { type HeldObject, holdObject, nameInstead } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';
import type { AttributeView, OldAttributes, OldContext } from './operations.ts';
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

/** A tool's fault is looked at, not thrown. */
const silently = () => ({ reject: false, stdin: 'ignore', env: programEnvironment(), extendEnv: false }) as const;

export const systemAttributeTools: AttributeTools = {
  isInstalled: (program) => findProgram(program, process.env.PATH) !== null,
  // `--set` alone leaves the default entries that a folder has.
  setfacl: (path, entries) => void runTool('setfacl', ['--remove-default', '--set', entries.join(','), '--', path]),
  getfacl(path) {
    const options = ['--omit-header', '--absolute-names', '--numeric', '--no-effective'];
    return runTool('getfacl', [...options, '--', path])
      .split('\n')
      .filter((line) => line !== '');
  },
  contextRules: () => parseContextRules(runTool('semanage', ['fcontext', '-l', '-C', '-n'])),
  label(path) {
    const { failed, stdout } = execaSync('stat', ['-c', '%C', '--', path], silently());
    return failed || stdout === '' || stdout === '?' ? null : stdout;
  },
  setContext(path, context, rule) {
    const { user, type, range } = context;
    // What is not named keeps, in a rule that is there, the value of before; in a new one it is this.
    if (rule === null) setRule('-a', path, context);
    else setRule('-m', path, { user: user ?? 'system_u', type, range: range ?? (rule.range === null ? null : 's0') });
    runTool('restorecon', ['-vF', path]);
  },
  restoreRule(path, rule) {
    if (rule === null) systemAttributeTools.dropContext(path);
    else setRule('-m', path, rule);
  },
  setLabel: (path, label) => void runTool('chcon', ['--', label, path]),
  dropContext(path) {
    execaSync('semanage', ['fcontext', '-d', escapeForSemanage(path)], silently());
  },
};
/** Asks the programs; rules only if there is one to be set, and once, because semanage takes its time. */
export function attributeView(tools: AttributeTools): AttributeView {
  let rules: ReadonlyMap<string, SelinuxContext> | null = null;
  return {
    acl: (path) => tools.getfacl(path),
    contextRule(path) {
      rules ??= tools.contextRules();
      return rules.get(escapeForSemanage(path)) ?? null;
    },
    label: (path) => tools.label(path),
  };
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

/** The same for an object that is held already. */
export function setAttributes(
  tools: AttributeTools,
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

/** The reverse, from what was noted. The mode comes last: of an ACL it is the mask. What is as it was is left alone. */
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
 * The AppSpec file's entries with the base entries that a complete ACL needs, made from the mode; a mask where named entries exist
 * without one; and the same again for default entries.
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

function setRule(action: '-a' | '-m', path: string, { user, type, range }: SelinuxContext): void {
  const rule = ['-t', type, ...(user === null ? [] : ['-s', user]), ...(range === null ? [] : ['-r', range])];
  runTool('semanage', ['fcontext', action, ...rule, escapeForSemanage(path)]);
}

const ALL_KINDS = ' all files ';

/**
 * What `semanage fcontext -l -C -n` prints: an expression, the kind of object it is for, and user:role:type:range. Rules for one kind
 * alone are not among them, because an AppSpec file makes none.
 */
export function parseContextRules(text: string): Map<string, SelinuxContext> {
  return new Map(
    text.split('\n').flatMap((line): [string, SelinuxContext][] => {
      const at = line.lastIndexOf(ALL_KINDS);
      const expression = line.slice(0, Math.max(at, 0)).trim();
      const context = line.slice(at + ALL_KINDS.length).trim();
      const [, user = '', type = '', range] = /^([^:\s]+):[^:\s]+:([^:\s]+)(?::(\S+))?$/.exec(context) ?? [];
      return expression === '' || type === '' ? [] : [[expression, { user, type, range: range ?? null }]];
    }),
  );
}

/** semanage reads paths as regular expressions. */
function escapeForSemanage(path: string): string {
  return path.replace(/[.+*?^$(){}|[\]\\]/g, '\\$&');
}

/** @returns what it printed */
function runTool(program: AttributeProgram, args: readonly string[]): string {
  // Some of them translate what they print.
  const result = execaSync(program, [...args], silently());
  if (!result.failed) return result.stdout;
  if (systemErrorCode(result.cause) === 'ENOENT' || result.code === 'ENOENT') {
    throw new SlipwayError(
      'INSTALL_TOOL_MISSING',
      `the AppSpec file asks for what only the program ${program} can do, and it is not installed`,
      {
        remedy: `${installationOf(program)}, or leave acls and context out of the AppSpec file.`,
      },
    );
  }
  throw new SlipwayError(
    'INSTALL_FAILED',
    `${program} ${args.join(' ')} failed: ${result.stderr || result.shortMessage}`,
    {
      cause: result,
    },
  );
}
