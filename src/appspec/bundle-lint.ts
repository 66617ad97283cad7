/** What an AppSpec file says, held against the bundle that it is in and against a host: what would fail, or surprise, only there. Pure. */
import type { AppSpecReading } from './parse.ts';
import { LINT_RULES, type LintRuleId } from './rules.ts';
import type { AppSpec, Finding, Hook, Permission, Places } from './types.ts';

/** What is at a script's place in the bundle. */
export type ScriptFacts =
  | { readonly kind: 'missing' }
  | { readonly kind: 'other' }
  /** It is a link, or below one, that leads out of the bundle. */
  | { readonly kind: 'outside'; readonly leadsTo: string }
  | {
      readonly kind: 'file';
      readonly isExecutable: boolean;
      /** The first bytes, one character each. */
      readonly beginning: string;
    };

export interface BundleView {
  /** @param location relative to the bundle's root */
  script(location: string): ScriptFacts;
}

/** The machine that is asked for users and interpreters. */
export interface HostView {
  hasUser(name: string): boolean;
  hasGroup(name: string): boolean;
  /** @param program a path, or a name to be looked for in PATH */
  hasProgram(program: string): boolean;
}

export interface LintOptions {
  readonly bundle: BundleView;
  readonly host: HostView;
  /** The revision is for this very host: a user who does not exist here is an error. */
  readonly isTargetHost: boolean;
}

/** Everything that can be said about scripts and about users and groups. Sources and destinations are the install planner's. */
export function lintBundle(reading: AppSpecReading, options: LintOptions): Finding[] {
  const { appSpec } = reading;
  if (appSpec === null) return [];
  return [
    ...lintHooks(reading, appSpec, options),
    ...appSpec.permissions.flatMap((permission) => lintPermission(reading, permission, options)),
  ];
}

function lintHooks(places: Places, appSpec: AppSpec, options: LintOptions): Finding[] {
  return [...appSpec.hooks].flatMap(([event, hooks]) =>
    hooks.flatMap((hook) => [
      ...lintScript(places, event, hook, options),
      ...(hook.runas === null || options.host.hasUser(hook.runas)
        ? []
        : [
            unknown(
              'unknown-user',
              `${event}: ${hook.location} is to run as '${hook.runas}', who does not exist on this host`,
              options,
              places,
              hook,
              'runas',
            ),
          ]),
    ]),
  );
}

function lintScript(places: Places, event: string, hook: Hook, { bundle, host }: LintOptions): Finding[] {
  const { location } = hook;
  return faultsOfScript(bundle.script(location), host).map(({ rule, text }) => ({
    severity: LINT_RULES[rule].severity,
    rule,
    message: `${event}: the script ${location} ${text}`,
    position: places.placeOf(hook, 'location'),
  }));
}

/** What is wrong with a script, or odd about it. */
export interface ScriptFault {
  readonly rule: LintRuleId;
  /** Goes on where the script has been named. */
  readonly text: string;
}

export function faultsOfScript(facts: ScriptFacts, host: Pick<HostView, 'hasProgram'>): readonly ScriptFault[] {
  if (facts.kind === 'missing') return [{ rule: 'script-missing', text: 'is not in the bundle' }];
  if (facts.kind === 'other') return [{ rule: 'script-missing', text: 'is no file' }];
  if (facts.kind === 'outside') {
    return [{ rule: 'script-outside', text: `leads out of the bundle, to ${facts.leadsTo}` }];
  }
  const faults: ScriptFault[] = [];
  if (!facts.isExecutable) {
    faults.push({ rule: 'script-not-executable', text: 'is not executable; the agent will make it so' });
  }
  const shebang = readShebang(facts.beginning);
  if (shebang === null) {
    if (!facts.beginning.includes('\0'))
      faults.push({ rule: 'shebang-missing', text: "has no '#!' line; /bin/sh will run it" });
  } else if (shebang.isCrlf) {
    const { interpreter } = shebang;
    const text = `has lines that end with CRLF: the kernel would look for '${interpreter}\\r'`;
    faults.push({ rule: 'script-crlf', text });
  } else if (!host.hasProgram(shebang.interpreter)) {
    faults.push({ rule: 'interpreter-missing', text: `needs ${shebang.interpreter}, which is not on this host` });
  }
  return faults;
}

/** What the kernel would start for a file: behind `env` the program that it is to look for. Null: there is no `#!` line. */
function readShebang(beginning: string): { readonly interpreter: string; readonly isCrlf: boolean } | null {
  const firstLine = beginning.split('\n')[0] ?? '';
  if (!firstLine.startsWith('#!')) return null;
  const isCrlf = firstLine.endsWith('\r');
  const [interpreter = '', ...args] = firstLine.slice(2).trim().split(/\s+/);
  const program = /(^|\/)env$/.test(interpreter) ? args.find((word) => !/^-|=/.test(word)) : undefined;
  return { interpreter: program ?? interpreter, isCrlf };
}

function lintPermission(places: Places, permission: Permission, options: LintOptions): Finding[] {
  const { host } = options;
  const { object, owner, group, acls } = permission;
  const findings: Finding[] = [];
  const miss = (kind: 'user' | 'group', name: string, key: string) => {
    const message = `${object}: ${key} names the ${kind} '${name}', ${kind === 'user' ? 'who' : 'which'} does not exist on this host`;
    findings.push(unknown(`unknown-${kind}`, message, options, places, permission, key));
  };
  if (owner !== null && !host.hasUser(owner)) miss('user', owner, 'owner');
  if (group !== null && !host.hasGroup(group)) miss('group', group, 'group');
  for (const entry of acls ?? []) {
    const [type, name = ''] = entry.replace(/^default:/, '').split(':');
    if (name === '' || /^\d+$/.test(name)) continue;
    if (type === 'user' && !host.hasUser(name)) miss('user', name, 'acls');
    if (type === 'group' && !host.hasGroup(name)) miss('group', name, 'acls');
  }
  return findings;
}

function unknown(
  rule: 'unknown-user' | 'unknown-group',
  message: string,
  { isTargetHost }: LintOptions,
  places: Places,
  entry: object,
  key: string,
): Finding {
  const severity = isTargetHost ? 'error' : LINT_RULES[rule].severity;
  return { severity, rule, message, position: places.placeOf(entry, key) };
}
