import { execaSync } from 'execa';
import type { SelinuxContext } from '../appspec/types.ts';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { programEnvironment } from '../system/program-environment.ts';
import { installationOf } from '../system/program-table.ts';
import { findProgram } from '../system/programs.ts';
import type { AttributeProgram } from './attribute-programs.ts';
import type { AttributeTools } from './attributes.ts';
import type { AttributeView } from './operations.ts';

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

function setRule(action: '-a' | '-m', path: string, { user, type, range }: SelinuxContext): void {
  const rule = ['-t', type, ...(user === null ? [] : ['-s', user]), ...(range === null ? [] : ['-r', range])];
  runTool('semanage', ['fcontext', action, ...rule, escapeForSemanage(path)]);
}

const ALL_KINDS = ' all files ';

/**
 * Reads the output of `semanage fcontext -l -C -n`: an expression, the kind of object it is for, and user:role:type:range. Rules for one
 * kind alone are not among them, because an AppSpec file makes none.
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
      remedy: `Correct acls or context in the AppSpec file as ${program} says. If it says nothing, run the command by hand.`,
    },
  );
}
