/** Checks an AppSpec file against its bundle and a host: finds what would fail, or surprise, only there. Pure. */
import type { AppSpecReading } from './parse.ts';
import type { ProgramKind } from './program-kind.ts';
import { LINT_RULES, type LintRuleId } from './rules.ts';
import type { AppSpec, Finding, Hook, Permission, Places } from './types.ts';

/** Facts about the bundle's file at a script's place. */
export type ScriptFacts =
  | {
      readonly kind: 'missing' /** A script with a name like it, relative to the bundle's root. */;
      readonly near: string | null;
    }
  | { readonly kind: 'other' }
  /** The script is a link, or below one, that leads out of the bundle. */
  | { readonly kind: 'outside'; readonly leadsTo: string }
  | {
      readonly kind: 'file';
      readonly isExecutable: boolean;
      /** The first bytes, one character each. */
      readonly beginning: string;
      /** A line after the first ends with CRLF. */
      readonly hasCrlfInside: boolean;
      /** Kind of program when the file is no text; null: a text, or an unknown kind. */
      readonly program: ProgramKind | null;
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
  /**
   * Whether it starts a program that is of no use elsewhere. Without it, any machine is meant.
   *
   * @param beginning its first bytes, a character each
   * @param location of its file
   */
  starts?(program: ProgramKind, beginning: string, location: string): boolean;
}

export interface LintOptions {
  readonly bundle: BundleView;
  readonly host: HostView;
  /** The revision is for this very host: a user who does not exist here is an error. */
  readonly isTargetHost: boolean;
  /** Lifecycle events that will run; without it, all. */
  readonly events?: readonly string[];
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
  const { events } = options;
  const run = [...appSpec.hooks].filter(([event]) => events === undefined || events.includes(event));
  return run.flatMap(([event, hooks]) =>
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
  return faultsOfScript(bundle.script(location), host, location).map(({ rule, text }) => ({
    severity: LINT_RULES[rule].severity,
    rule,
    message: `${event}: the script ${location} ${text}`,
    position: places.placeOf(hook, 'location'),
  }));
}

/** A fault of a script, or something odd about it. */
export interface ScriptFault {
  readonly rule: LintRuleId;
  /** Goes on where the script has been named. */
  readonly text: string;
}

export function faultsOfScript(
  facts: ScriptFacts,
  host: Pick<HostView, 'hasProgram' | 'starts'>,
  location: string,
): readonly ScriptFault[] {
  if (facts.kind === 'missing') {
    const isCalledWithArguments = facts.near !== null && location.startsWith(`${facts.near} `);
    const hint = isCalledWithArguments
      ? `; there is '${facts.near}': a location is a path alone, without arguments`
      : facts.near === null
        ? ''
        : `; did you mean '${facts.near}'?`;
    return [{ rule: 'script-missing', text: `is not in the bundle${hint}` }];
  }
  if (facts.kind === 'other') return [{ rule: 'script-missing', text: 'is no file' }];
  if (facts.kind === 'outside') {
    return [{ rule: 'script-outside', text: `leads out of the bundle, to ${facts.leadsTo}` }];
  }
  const faults: ScriptFault[] = [];
  if (!facts.isExecutable) {
    faults.push({ rule: 'script-not-executable', text: 'is not executable; the agent will make it so' });
  }
  if (facts.program !== null) faults.push(...faultsOfProgram(facts.program, facts.beginning, location, host));
  const hasMark = facts.beginning.startsWith(UTF8_MARK);
  const shebang = readShebang(hasMark ? facts.beginning.slice(UTF8_MARK.length) : facts.beginning);
  if (shebang !== null && hasMark) {
    const { interpreter } = shebang;
    const effect =
      interpreter === '/bin/sh'
        ? '/bin/sh runs it all the same, but takes the line for a command'
        : `/bin/sh runs it, and not ${interpreter}`;
    faults.push({ rule: 'script-bom', text: `has a byte order mark before '#!': ${effect}` });
  }
  if (shebang === null) {
    if (!facts.beginning.includes('\0'))
      faults.push({ rule: 'shebang-missing', text: "has no '#!' line; /bin/sh will run it" });
  } else if (shebang.isCrlf) {
    const { interpreter } = shebang;
    const text = `has lines that end with CRLF: the kernel would look for '${interpreter}\\r'`;
    faults.push({ rule: 'script-crlf', text });
  } else if (shebang.oneWord !== null) {
    const text = `begins with '${shebang.line}': env would look for a program called '${shebang.oneWord}'; write '#!/usr/bin/env -S ${shebang.oneWord}'`;
    faults.push({ rule: 'shebang-arguments', text });
  } else if (!host.hasProgram(shebang.interpreter)) {
    faults.push({ rule: 'interpreter-missing', text: `needs ${shebang.interpreter}, which is not on this host` });
  }
  const isForShell = shebang === null ? !facts.beginning.includes('\0') : SHELLS.test(shebang.interpreter);
  if (isForShell && facts.hasCrlfInside && shebang?.isCrlf !== true) {
    const text =
      'has lines that end with CRLF, though not the first: the shell takes the carriage return for part of a word';
    faults.push({ rule: 'script-crlf-inside', text });
  }
  return faults;
}

function faultsOfProgram(
  program: ProgramKind,
  beginning: string,
  location: string,
  host: Pick<HostView, 'hasProgram' | 'starts'>,
): readonly ScriptFault[] {
  const { is, machines, loader } = program;
  const isStarted = host.starts?.(program, beginning, location) ?? machines?.length !== 0;
  if (!isStarted && machines?.length === 0) {
    return [
      { rule: 'script-no-program', text: `is ${is}; Linux starts text with a '#!' line, and programs built for it` },
    ];
  }
  if (!isStarted)
    return [{ rule: 'program-other-machine', text: `is ${is}, which this host is not: build it for this host` }];
  if (loader === null || host.hasProgram(loader)) return [];
  return [{ rule: 'interpreter-missing', text: `was built for the loader ${loader}, which is not on this host` }];
}

/** As the bytes of UTF-8 come when each is a character. */
const UTF8_MARK = '\xef\xbb\xbf';
const SHELLS = /(^|\/)(ba|da|a|k|mk|z|)sh$/;

interface Shebang {
  readonly line: string;
  /** Program that the kernel would start; behind `env`, the program that `env` looks for. */
  readonly interpreter: string;
  readonly isCrlf: boolean;
  /** Words that `env` takes for one name, because the kernel hands them over as one; null: a single word, or `env` divides them. */
  readonly oneWord: string | null;
}

/** Null: there is no `#!` line. */
function readShebang(beginning: string): Shebang | null {
  const line = beginning.split('\n')[0] ?? '';
  if (!line.startsWith('#!')) return null;
  const isCrlf = line.endsWith('\r');
  const text = line.slice(2).trim();
  const [interpreter = '', ...args] = text.split(/\s+/);
  const isEnv = /(^|\/)env$/.test(interpreter);
  const program = isEnv ? args.find((word) => !/^-|=/.test(word)) : undefined;
  const isOneWord = isEnv && args.length > 1 && !/^(-[A-Za-z]*S|--split-string)/.test(args[0] ?? '');
  const oneWord = isOneWord ? text.slice(interpreter.length).trim() : null;
  return { line: line.trimEnd(), interpreter: program ?? interpreter, isCrlf, oneWord };
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
