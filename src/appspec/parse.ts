/** The text of an AppSpec file as its contents, or as findings. Pure. */
import { type Document, isMap, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { HOOK_EVENTS } from '../protocol/lifecycle-events.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { readFiles } from './files-section.ts';
import { readHooks } from './hooks-section.ts';
import { MAX_CHARACTERS } from './limits.ts';
import { eventOf } from './misplaced.ts';
import { inOrder } from './order.ts';
import { readPermissions } from './permissions-section.ts';
import {
  createCollector,
  describe,
  type FindingCollector,
  isEmpty,
  isNothing,
  type Member,
  membersOf,
  reportUnknownKeys,
  scalarOf,
  sourceOf,
  type YamlNode,
} from './reader.ts';
import type { LintRuleId } from './rules.ts';
import { didYouMean, nearestWord } from './suggest.ts';
import { controlCharacter, syntaxFault, withoutEchoes } from './text-faults.ts';
import type { AppSpec, AppSpecResult, Finding, Places } from './types.ts';

/** What decoding leaves in place of bytes that are no character. */
const NOT_UTF8 = '\ufffd';

export const APPSPEC_KEYS = ['version', 'os', 'file_exists_behavior', 'files', 'permissions', 'hooks'] as const;
export const FILE_EXISTS_BEHAVIORS: readonly FileExistsBehavior[] = ['DISALLOW', 'OVERWRITE', 'RETAIN'];

export interface ParseOptions {
  /** For messages about the file as a whole. */
  readonly filename: string;
  /** The host's: the file's `os` must be the same. */
  readonly platform: 'linux' | 'windows';
}

/** An AppSpec file as far as it could be read, for those who look for more problems than the first. */
export interface AppSpecReading extends Places {
  /** What could be read, faults left out; null: nothing, it is no AppSpec file of a host. */
  readonly appSpec: AppSpec | null;
  /** In the order of the text. */
  readonly findings: readonly Finding[];
}

/**
 * Reads an AppSpec file of the EC2/On-Premises platform. Never throws: every problem is a finding with its place, and all of them are
 * found at once.
 *
 * @see the AWS CodeDeploy user guide, "AppSpec file reference"; where the official agents 1.8.1 and 2.x differ from it or from each
 * other, `docs/compatibility.md` says what is done here
 */
export function parseAppSpec(text: string, options: ParseOptions): AppSpecResult {
  const { appSpec, findings } = readAppSpec(text, options);
  return appSpec === null || findings.some((finding) => finding.severity === 'error')
    ? { ok: false, findings }
    : { ok: true, appSpec, findings };
}

/** Reads as much of an AppSpec file as there is sense in, for a linter. Never throws. */
export function readAppSpec(text: string, options: ParseOptions): AppSpecReading {
  if (text.length > MAX_CHARACTERS) {
    const message = `${options.filename} has more than ${MAX_CHARACTERS} characters, which is the limit`;
    return unreadable([wholeFile('too-large', message)]);
  }
  const control = controlCharacter(text);
  if (control !== null) return unreadable([control]);
  try {
    return readText(text.replace(/^\uFEFF/, ''), options);
  } catch (error) {
    // The stack of calls that a text nested a hundred thousand deep needs.
    if (!(error instanceof RangeError)) throw error;
    return unreadable([wholeFile('not-yaml', `${options.filename} is nested too deeply`)]);
  }
}

function readText(text: string, options: ParseOptions): AppSpecReading {
  const lines = new LineCounter();
  // YAML 1.1 is what the official agents' files were written for. That keys are unique is seen by the reader, in less time.
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.1',
    uniqueKeys: false,
    merge: true,
    // Less, and a second document would vanish unseen; more, and the library prints.
    logLevel: 'error',
    keepSourceTokens: false,
  });
  const root = document.contents as YamlNode | null;
  const [fault] = document.errors.filter(({ code }) => code !== 'MULTIPLE_DOCS');
  if (fault !== undefined) return unreadable([syntaxFault(text, fault)]);
  if (isEmpty(root)) {
    const message = `${options.filename} is empty; it needs at least 'version: 0.0' and 'os: ${options.platform}'`;
    return unreadable([wholeFile('empty', message)]);
  }
  const collector = createCollector(document, lines);
  if (text.includes(NOT_UTF8)) reportBadText(collector, document);
  const appSpec = readDocument(collector, root, options.platform);
  const findings = [...withoutEchoes(collector.findings), ...secondDocument(document, text)];
  if (appSpec !== null) findings.push(...nothingToDo(appSpec, findings, options.filename));
  return { appSpec, findings: inOrder(findings), placeOf: collector.placeOf };
}

/** In keys and values; what a comment is written in harms nobody. */
function reportBadText(collector: FindingCollector, document: Document.Parsed): void {
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string' || !node.value.includes(NOT_UTF8)) return;
      collector.report('not-utf8', node as YamlNode, 'this holds bytes that are not UTF-8: save the file as UTF-8');
    },
  });
}

/** A key or an event that nobody reads may have been meant to be files or scripts; it is named, and this would be its consequence. */
const MAY_HIDE_WORK: readonly string[] = ['unknown-key', 'key-misplaced', 'event-unknown', 'event-without-scripts'];

function nothingToDo({ files, hooks }: AppSpec, findings: readonly Finding[], filename: string): Finding[] {
  const hasScripts = [...hooks.values()].some((scripts) => scripts.length > 0);
  const hidden = findings.some(({ severity, rule }) => severity === 'error' || MAY_HIDE_WORK.includes(rule));
  if (files.length > 0 || hasScripts || hidden) return [];
  const message = `${filename} has neither files nor scripts: a deployment of it succeeds and changes nothing`;
  return [{ severity: 'warning', rule: 'nothing-to-do', message, position: null }];
}

function unreadable(findings: readonly Finding[]): AppSpecReading {
  return { appSpec: null, findings, placeOf: () => null };
}

function wholeFile(rule: LintRuleId, message: string): Finding {
  return { severity: 'error', rule, message, position: null };
}

/** The first alone: what the parser makes of the rest is a consequence more often than a fault of its own. */
function secondDocument(document: Document.Parsed, text: string): Finding[] {
  const end = document.errors.find(({ code }) => code === 'MULTIPLE_DOCS');
  if (end === undefined) return [];
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  // The place is where the document's content begins; its mark stands before that.
  const mark = text.lastIndexOf('\n---', end.pos[0]) + 1;
  const isEmpty = text
    .slice(mark)
    .split(/\r?\n/)
    .every((line) => /^(---|\.\.\.)?\s*(#.*)?$/.test(line));
  const message = isEmpty
    ? 'the mark --- begins a second YAML document, which is empty: remove the mark'
    : 'a second YAML document begins here, and only the first one counts: remove it, or the mark --- before it';
  const severity = isEmpty ? 'warning' : 'error';
  return [{ severity, rule: 'second-document', message, position: { line: lineOf(mark), column: 1 } }];
}

function readDocument(
  collector: FindingCollector,
  root: YamlNode | null,
  platform: 'linux' | 'windows',
): AppSpec | null {
  const members = membersOf(collector, root, 'the AppSpec file');
  if (members === null) return null;
  const find = (name: string) => members.find((member) => member.name === name);
  if (refuseOtherPlatforms(collector, members)) return null;
  const outside = members.filter((member) => reportEventOutsideHooks(collector, member));
  const rest = members.filter((member) => !outside.includes(member));
  reportUnknownKeys(collector, rest, APPSPEC_KEYS, { section: 'top', what: 'an AppSpec file' });
  readVersion(collector, root ?? undefined, find('version'));
  const os = readOs(collector, root ?? undefined, find('os'), platform);
  const permissions = find('permissions');
  if (permissions !== undefined && os === 'windows' && !isEmpty(permissions.value)) {
    collector.report('permissions-on-windows', permissions.key, 'permissions are for linux only');
  }
  const appSpec = {
    os,
    fileExistsBehavior: readFileExistsBehavior(collector, find('file_exists_behavior')),
    files: readFiles(collector, find('files')?.value ?? null),
    permissions: readPermissions(collector, permissions?.value ?? null),
    hooks: readHooks(collector, find('hooks')?.value ?? null),
  };
  // Nobody need look on this system for the scripts and users of another one.
  return isForOther(collector, find('os'), platform) ? null : appSpec;
}

/** Without its indentation an event is a key of the file itself, and its scripts would never run. @returns whether it is one */
function reportEventOutsideHooks(collector: FindingCollector, { name, key, value }: Member): boolean {
  if ((APPSPEC_KEYS as readonly string[]).includes(name)) return false;
  const isList = isSeq(collector.resolve(value));
  const event = eventOf(name) ?? (isList ? nearestWord(name, HOOK_EVENTS) : null);
  if (event === null) return false;
  const message = `${event} stands beside hooks, so that its scripts would never run: indent it, so that it is below hooks`;
  collector.report('event-outside-hooks', key, message);
  return true;
}

/**
 * A file for Lambda or ECS has resources instead of files, and functions instead of scripts, in a list; on a host nothing of it could be
 * done. Its keys may be capitalised.
 */
function refuseOtherPlatforms(collector: FindingCollector, members: readonly Member[]): boolean {
  const find = (name: string) => members.find((member) => member.name.toLowerCase() === name);
  const resources = find('resources');
  const hooks = find('hooks');
  const functions = hasFunctions(collector, hooks?.value ?? null) ? hooks : undefined;
  const found = resources ?? functions;
  if (found === undefined) return false;
  const platform = platformOf(collector, resources);
  collector.report(
    'other-platform',
    found.key,
    `'${found.name}' makes this an AppSpec file for ${platform}: give it to the control plane when you create such a deployment; a host deploys files, permissions and hooks`,
  );
  return true;
}

/** `- AfterInstall: FUNCTION`; a list with scripts is a host's, and only has dashes too many. */
function hasFunctions(collector: FindingCollector, hooks: YamlNode | null): boolean {
  const list = collector.resolve(hooks);
  if (!isSeq(list)) return false;
  return !(list.items as YamlNode[]).some((item) => {
    const entry = collector.resolve(item);
    return isMap(entry) && entry.items.some(({ value }) => isSeq(collector.resolve(value as YamlNode)));
  });
}

function platformOf(collector: FindingCollector, resources: Member | undefined): string {
  const list = collector.resolve(resources?.value ?? null);
  for (const item of isSeq(list) ? (list.items as YamlNode[]) : [list ?? undefined]) {
    const entry = collector.resolve(item);
    if (!isMap(entry)) continue;
    for (const { key, value } of entry.items) {
      if (sourceOf(collector, key as YamlNode) === 'TargetService') return 'ECS';
      const resource = collector.resolve(value as YamlNode);
      const type = isMap(resource)
        ? resource.items.find((pair) => /^type$/i.test(sourceOf(collector, pair.key as YamlNode) ?? ''))?.value
        : null;
      const name = sourceOf(collector, type as YamlNode | null);
      if (name === 'AWS::ECS::Service') return 'ECS';
      if (name === 'AWS::Lambda::Function') return 'Lambda';
    }
  }
  return 'Lambda or ECS';
}

function readVersion(collector: FindingCollector, root: YamlNode, member: Member | undefined): void {
  const value = scalarOf(collector, member?.value ?? null);
  if (value === 0 || value === '0.0') return;
  if (member === undefined || value === null) {
    collector.reportMissing('version-missing', member, root, "the version is missing; it must be 'version: 0.0'");
  } else {
    const found = describe(collector.resolve(member.value));
    collector.report('version-unsupported', member.value ?? member.key, `the version must be 0.0, but is ${found}`);
  }
}

function readOs(
  collector: FindingCollector,
  root: YamlNode,
  member: Member | undefined,
  platform: 'linux' | 'windows',
): 'linux' | 'windows' {
  const value = scalarOf(collector, member?.value ?? null);
  if (value === platform) return platform;
  if (member === undefined || value === null) {
    collector.reportMissing('os-missing', member, root, `the os is missing; it must be 'os: ${platform}'`);
  } else if (value === 'linux' || value === 'windows') {
    collector.report('os-other', member.value ?? member.key, `the os is ${value}, but this host is ${platform}`);
  } else {
    const found = describe(collector.resolve(member.value));
    const meant = didYouMean(String(value), ['linux', 'windows']);
    collector.report(
      'os-unsupported',
      member.value ?? member.key,
      `the os must be linux or windows, but is ${found}${meant}`,
    );
  }
  return platform;
}

function isForOther(collector: FindingCollector, member: Member | undefined, platform: 'linux' | 'windows'): boolean {
  const value = scalarOf(collector, member?.value ?? null);
  return value === (platform === 'linux' ? 'windows' : 'linux');
}

function readFileExistsBehavior(collector: FindingCollector, member: Member | undefined): FileExistsBehavior | null {
  if (member === undefined || isNothing(collector.resolve(member.value))) return null;
  const value = scalarOf(collector, member.value);
  const known = FILE_EXISTS_BEHAVIORS.find((behavior) => behavior === value);
  if (known === undefined) {
    collector.report(
      'file-exists-behavior-unknown',
      member.value ?? member.key,
      `file_exists_behavior must be DISALLOW, OVERWRITE or RETAIN, but is ${describe(collector.resolve(member.value))}${didYouMean(String(value), FILE_EXISTS_BEHAVIORS)}`,
    );
  }
  return known ?? null;
}
