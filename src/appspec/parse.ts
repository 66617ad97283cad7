/** The text of an AppSpec file as its contents, or as findings. Pure. */
import { isSeq } from 'yaml';
import { HOOK_EVENTS } from '../protocol/lifecycle-events.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { readDocumentText } from './document.ts';
import { readFiles } from './files-section.ts';
import { readHooks } from './hooks-section.ts';
import { eventOf } from './misplaced.ts';
import { inOrder } from './order.ts';
import { readPermissions } from './permissions-section.ts';
import {
  describe,
  type FindingCollector,
  isEmpty,
  isNothing,
  type Member,
  membersOf,
  reportUnknownKeys,
  scalarOf,
  type YamlNode,
} from './reader.ts';
import { resourceFileOf } from './resources/platform.ts';
import { didYouMean, nearestWord } from './suggest.ts';
import type { AppSpec, AppSpecResult, Finding, Places } from './types.ts';
import { readVersion } from './version.ts';

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
  /** The readable part of the file, without faults; null: this is no AppSpec file of a host. */
  readonly appSpec: AppSpec | null;
  /** In the order of the text. */
  readonly findings: readonly Finding[];
}

/**
 * Reads an AppSpec file of the EC2/On-Premises platform. Never throws: every problem is a finding with its place, and all of them are
 * found at once.
 *
 * @see the AWS CodeDeploy user guide, "AppSpec file reference". `docs/compatibility.md` says what is done where the official agents 1.8.1
 * and 2.x differ from it or from each other
 */
export function parseAppSpec(text: string, options: ParseOptions): AppSpecResult {
  const { appSpec, findings } = readAppSpec(text, options);
  return appSpec === null || findings.some((finding) => finding.severity === 'error')
    ? { ok: false, findings }
    : { ok: true, appSpec, findings };
}

/** Reads as much of an AppSpec file as there is sense in, for a linter. Never throws. */
export function readAppSpec(text: string, options: ParseOptions): AppSpecReading {
  const least = `'version: 0.0' and 'os: ${options.platform}'`;
  const { content, findings, placeOf } = readDocumentText(text, { ...options, least }, (collector, root) =>
    readDocument(collector, root, options.platform),
  );
  const idle = content === null ? [] : nothingToDo(content, findings, options.filename);
  return { appSpec: content, findings: inOrder([...findings, ...idle]), placeOf };
}

/** Rules for keys and events that nobody reads. They may have been meant as files or scripts, and their own findings say so. */
const MAY_HIDE_WORK: readonly string[] = ['unknown-key', 'key-misplaced', 'event-unknown', 'event-without-scripts'];

function nothingToDo({ files, hooks }: AppSpec, findings: readonly Finding[], filename: string): Finding[] {
  const hasScripts = [...hooks.values()].some((scripts) => scripts.length > 0);
  const hidden = findings.some(({ severity, rule }) => severity === 'error' || MAY_HIDE_WORK.includes(rule));
  if (files.length > 0 || hasScripts || hidden) return [];
  const message = `${filename} has neither files nor scripts: a deployment of it succeeds and changes nothing`;
  return [{ severity: 'warning', rule: 'nothing-to-do', message, position: null }];
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

/** On a host nothing of such a file could be done. */
function refuseOtherPlatforms(collector: FindingCollector, members: readonly Member[]): boolean {
  const file = resourceFileOf(collector, members);
  if (file === null) return false;
  const { because, platform } = file;
  collector.report(
    'other-platform',
    because.key,
    `'${because.name}' makes this an AppSpec file for ${platform ?? 'Lambda or ECS'}: give it to the control plane when you create such a deployment; a host deploys files, permissions and hooks`,
  );
  return true;
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
