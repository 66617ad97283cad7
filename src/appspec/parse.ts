import { LineCounter, parseDocument } from 'yaml';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { readFiles } from './files-section.ts';
import { readHooks } from './hooks-section.ts';
import { readPermissions } from './permissions-section.ts';
import {
  createCollector,
  describe,
  type FindingCollector,
  isEmpty,
  type Member,
  membersOf,
  scalarOf,
  type YamlNode,
} from './reader.ts';
import { didYouMean } from './suggest.ts';
import type { AppSpec, AppSpecResult, Finding } from './types.ts';

/** No AppSpec file comes near this; a text that does is not one, and must not be parsed for minutes. */
const MAX_CHARACTERS = 1024 * 1024;

const KEYS = ['version', 'os', 'file_exists_behavior', 'files', 'permissions', 'hooks'] as const;
const FILE_EXISTS_BEHAVIORS: readonly FileExistsBehavior[] = ['DISALLOW', 'OVERWRITE', 'RETAIN'];

/**
 * Reads an AppSpec file of the EC2/On-Premises platform. Never throws: every problem is a finding with its place, and all of them are
 * found at once.
 *
 * @param options.filename for messages about the file as a whole
 * @param options.platform the host's: the file's `os` must be the same
 * @see the AWS CodeDeploy user guide, "AppSpec file reference"; where the official agents 1.8.1 and 2.x differ from it or from each
 * other, `docs/compatibility.md` says what is done here
 */
export function parseAppSpec(
  text: string,
  options: { readonly filename: string; readonly platform: 'linux' | 'windows' },
): AppSpecResult {
  const whole = (rule: string, message: string): AppSpecResult => ({
    ok: false,
    findings: [{ severity: 'error', rule, message, position: null }],
  });
  if (text.length > MAX_CHARACTERS) {
    return whole('too-large', `${options.filename} has ${text.length} characters; ${MAX_CHARACTERS} are the limit`);
  }
  const lines = new LineCounter();
  // YAML 1.1 is what the official agents' files were written for; keys must be unique, or one of two hooks would vanish unseen.
  const document = parseDocument(text.replace(/^\uFEFF/, ''), {
    lineCounter: lines,
    version: '1.1',
    uniqueKeys: true,
    merge: true,
    logLevel: 'silent',
    keepSourceTokens: false,
  });
  const syntax = document.errors.map(
    (error): Finding => ({
      severity: 'error',
      rule: error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'not-yaml',
      message: firstLine(error.message),
      position: { line: error.linePos?.[0].line ?? 1, column: error.linePos?.[0].col ?? 1 },
    }),
  );
  if (syntax.length > 0) return { ok: false, findings: syntax };
  if (isEmpty(document.contents as YamlNode | null)) {
    return whole(
      'empty',
      `${options.filename} is empty; it needs at least 'version: 0.0' and 'os: ${options.platform}'`,
    );
  }
  const collector = createCollector(document, lines);
  const appSpec = readDocument(collector, document.contents as YamlNode, options.platform);
  const findings = inOrder(collector.findings);
  return appSpec === null || findings.some((finding) => finding.severity === 'error')
    ? { ok: false, findings }
    : { ok: true, appSpec, findings };
}

function readDocument(collector: FindingCollector, root: YamlNode, platform: 'linux' | 'windows'): AppSpec | null {
  const members = membersOf(collector, root, 'the AppSpec file');
  if (members === null) return null;
  const byName = new Map(members.map((member) => [member.name, member]));
  if (refuseOtherPlatforms(collector, members)) return null;
  for (const { name, key } of members) {
    if (!(KEYS as readonly string[]).includes(name)) {
      collector.warning(
        'unknown-key',
        key,
        `'${name}' is no key of an AppSpec file and is ignored${didYouMean(name, KEYS)}`,
      );
    }
  }
  readVersion(collector, root, byName.get('version'));
  const os = readOs(collector, root, byName.get('os'), platform);
  const permissions = byName.get('permissions');
  if (permissions !== undefined && os === 'windows' && !isEmpty(permissions.value)) {
    collector.error('permissions-on-windows', permissions.key, 'permissions are for linux only');
  }
  return {
    os,
    fileExistsBehavior: readFileExistsBehavior(collector, byName.get('file_exists_behavior')),
    files: readFiles(collector, byName.get('files')?.value ?? null),
    permissions: readPermissions(collector, permissions?.value ?? null),
    hooks: readHooks(collector, byName.get('hooks')?.value ?? null),
  };
}

/** A file for Lambda or ECS has resources instead of files; on a host nothing of it could be done. */
function refuseOtherPlatforms(collector: FindingCollector, members: readonly Member[]): boolean {
  const resources = members.find(({ name }) => name.toLowerCase() === 'resources');
  if (resources === undefined) return false;
  collector.error(
    'other-platform',
    resources.key,
    `'${resources.name}' makes this an AppSpec file for Lambda or ECS; a host deploys files, permissions and hooks`,
  );
  return true;
}

function readVersion(collector: FindingCollector, root: YamlNode, member: Member | undefined): void {
  const value = scalarOf(collector, member?.value ?? null);
  if (value === 0 || value === '0.0') return;
  if (member === undefined || value === null) {
    collector.error('version-missing', member?.key ?? root, "the version is missing; it must be 'version: 0.0'");
  } else {
    const found = describe(collector.resolve(member.value));
    collector.error('version-unsupported', member.value ?? member.key, `the version must be 0.0, but is ${found}`);
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
    collector.error('os-missing', member?.key ?? root, `the os is missing; it must be 'os: ${platform}'`);
  } else if (value === 'linux' || value === 'windows') {
    collector.error('os-other', member.value ?? member.key, `the os is ${value}, but this host is ${platform}`);
  } else {
    const found = describe(collector.resolve(member.value));
    collector.error('os-unsupported', member.value ?? member.key, `the os must be linux or windows, but is ${found}`);
  }
  return platform;
}

function readFileExistsBehavior(collector: FindingCollector, member: Member | undefined): FileExistsBehavior | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const value = scalarOf(collector, member.value);
  const known = FILE_EXISTS_BEHAVIORS.find((behavior) => behavior === value);
  if (known === undefined) {
    collector.error(
      'file-exists-behavior-unknown',
      member.value ?? member.key,
      `file_exists_behavior must be DISALLOW, OVERWRITE or RETAIN, but is ${describe(collector.resolve(member.value))}`,
    );
  }
  return known ?? null;
}

/** By place in the file; what concerns the file as a whole comes first. */
function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
  );
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? text;
}
