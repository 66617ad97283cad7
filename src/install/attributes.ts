import { execaSync } from 'execa';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { findProgram } from '../system/programs.ts';
import { type AttributeProgram, DEBIAN_PACKAGES } from './attribute-programs.ts';
import type { InstallFs } from './install-fs.ts';
import type { PlannedPermission } from './types.ts';

/** The programs that set what Node cannot. Argument vectors, never a shell. */
export interface AttributeTools {
  isInstalled(program: AttributeProgram): boolean;
  setfacl(path: string, entries: readonly string[]): void;
  /** Adds a rule for the path and puts the label on. */
  setContext(path: string, context: NonNullable<PlannedPermission['context']>): void;
  /** Takes a rule away again; that there is none is no fault. */
  dropContext(path: string): void;
}

export const systemAttributeTools: AttributeTools = {
  isInstalled: (program) => findProgram(program, process.env.PATH) !== null,
  setfacl: (path, entries) => runTool('setfacl', ['--set', entries.join(','), '--', path]),
  setContext(path, { user, type, range }) {
    const rule = ['-t', type, ...(user === null ? [] : ['-s', user]), ...(range === null ? [] : ['-r', range])];
    runTool('semanage', ['fcontext', '-a', ...rule, escapeForSemanage(path)]);
    runTool('restorecon', ['-vF', path]);
  },
  dropContext(path) {
    execaSync('semanage', ['fcontext', '-d', escapeForSemanage(path)], { reject: false });
  },
};

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
  const { uid, gid, mode, acls } = permission;
  if (uid !== null || gid !== null) {
    const stats = fs.lstatSync(path);
    fs.lchownSync(path, uid ?? stats.uid, gid ?? stats.gid);
  }
  // A link has no mode or ACL of its own, and through it another object would get them.
  if (fs.lstatSync(path).isSymbolicLink()) return;
  if (mode !== null) fs.chmodSync(path, mode);
  if (acls !== null) tools.setfacl(path, completeAcl(acls, fs.lstatSync(path).mode));
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

/** semanage reads paths as regular expressions. */
function escapeForSemanage(path: string): string {
  return path.replace(/[.+*?^$(){}|[\]\\]/g, '\\$&');
}

function runTool(program: AttributeProgram, args: readonly string[]): void {
  const result = execaSync(program, [...args], { reject: false, stdin: 'ignore' });
  if (!result.failed) return;
  if (systemErrorCode(result.cause) === 'ENOENT' || result.code === 'ENOENT') {
    throw new SlipwayError(
      'INSTALL_TOOL_MISSING',
      `the AppSpec file asks for what only the program ${program} can do, and it is not installed`,
      {
        remedy: `Install ${program} (on Debian and Ubuntu the package ${DEBIAN_PACKAGES[program]}), or leave acls and context out of the AppSpec file.`,
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
