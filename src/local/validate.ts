/** A revision as a linter sees it: its AppSpec file, the bundle around it, and what the install planner says about the two. */
import { realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type HostView, lintBundle } from '../appspec/bundle-lint.ts';
import { inOrder } from '../appspec/order.ts';
import { type AppSpecReading, readAppSpec } from '../appspec/parse.ts';
import { renderFindings } from '../appspec/render.ts';
import type { ResourcePlatform } from '../appspec/resources/platform.ts';
import { platformOfText, readResourceAppSpec } from '../appspec/resources/read.ts';
import { LINT_RULES, type LintRuleId } from '../appspec/rules.ts';
import type { AppSpec, FileMapping, Finding, Permission } from '../appspec/types.ts';
import type { UnpackLimits } from '../archive/entry-judge.ts';
import type { EntryRules } from '../archive/entry-rules.ts';
import { judgeFolder } from '../archive/folder-bundle.ts';
import { unpackBundle } from '../archive/unpack.ts';
import { appSpecMissing, locateAppSpec, readAppSpecText } from '../deployment/find-appspec.ts';
import { SlipwayError } from '../errors.ts';
import { realInstallFs } from '../install/install-fs.ts';
import { matchPermissions } from '../install/permissions-match.ts';
import { planInstall } from '../install/plan.ts';
import { diskView } from '../install/tree-view.ts';
import type { OwnPlaceLookup, PlanProblem, TreeView } from '../install/types.ts';
import type { BundleType } from '../protocol/specification.ts';
import { withScratchFolder } from '../system/scratch-folder.ts';
import { bundleTypeToJudge, kindOfOtherFile } from './bundle-kind.ts';
import { lintDestinations } from './lint-destinations.ts';
import { lintLinks } from './lint-links.ts';
import { scriptFacts } from './script-facts.ts';

export type Platform = 'Server' | ResourcePlatform;

export interface ValidateRequest {
  /** A folder that holds a revision, a bundle file, or an AppSpec file; absolute. */
  readonly path: string;
  /** Type that a bundle file is said to have; without it its content tells. */
  readonly bundleType?: BundleType;
  /** Relative to the revision's root. */
  readonly appSpecFilename: string;
  /** Platform that the AppSpec file must be for; null: its content tells. Without it, hosts. */
  readonly platform?: Platform | null;
  readonly host: HostView;
  /** The revision is for this very host. */
  readonly isTargetHost: boolean;
  readonly limits: UnpackLimits;
  readonly entryRules: EntryRules;
  readonly rejectUnconfinedSelinux: boolean;
  /** The agent's own places on the host that the revision is for. */
  readonly ownPlaces?: OwnPlaceLookup;
  /** Lifecycle events that will run; the scripts of others are not looked at. Without it, all. */
  readonly events?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface ValidateReport {
  /** The AppSpec file; one in a bundle stands below the bundle's own path. */
  readonly file: string;
  readonly text: string;
  /** Platform whose grammar the file was checked against. */
  readonly platform: Platform | 'Lambda or ECS';
  /** In the order of the text. */
  readonly findings: readonly Finding[];
}

/** More of one kind from one entry of the AppSpec file tell nothing new. */
const LISTED_OF_A_KIND = 10;

/**
 * Finds everything that is wrong with a revision, or may be, by the rules that its hosts go by. A folder is judged as an archive of it would
 * be. Nothing is changed: a bundle is unpacked into a folder that is removed again.
 *
 * @throws SlipwayError CLI_BAD_REVISION when there is nothing at the path; APPSPEC_MISSING; ARCHIVE_… for what no host would take
 */
export async function validateRevision(request: ValidateRequest): Promise<ValidateReport> {
  const { path, limits, entryRules: rules, signal } = request;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new SlipwayError('CLI_BAD_REVISION', `${path} does not exist`, {
      remedy: 'Name a folder that holds a revision, a bundle, or an AppSpec file.',
    });
  }
  if (stats.isDirectory()) {
    await judgeFolder({ sourceDir: path, limits, rules, ...(signal && { signal }) });
    return validateFolder(request, path, path);
  }
  const bundleType = request.bundleType ?? bundleTypeToJudge(path);
  if (bundleType === null) {
    requireText(path);
    return validateFile(request, path, dirname(path), path);
  }
  return withScratchFolder(async (scratch) => {
    const archiveDir = join(scratch, 'revision');
    await unpackBundle({ bundleFile: path, bundleType, archiveDir, limits, rules, ...(signal && { signal }) });
    return validateFolder(request, archiveDir, path);
  });
}

/** Refuses a file that is packed in a way that no host unpacks: it is no AppSpec file either. */
function requireText(path: string): void {
  const kind = kindOfOtherFile(path);
  if (kind === null || /^(text|JSON|XML):/.test(kind.is)) return;
  throw new SlipwayError('ARCHIVE_CORRUPT', `${path} is no bundle and no AppSpec file, but is ${kind.is}`, {
    remedy: kind.remedy,
  });
}

/**
 * The same, for those who go on only if nothing is wrong.
 *
 * @throws SlipwayError CLI_BAD_REVISION with every error and its place; and as `validateRevision` does
 */
export async function requireSoundRevision(request: ValidateRequest): Promise<ValidateReport> {
  const report = await validateRevision(request);
  const errors = report.findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return report;
  const details = renderFindings(errors, report.text, report.file);
  throw new SlipwayError('CLI_BAD_REVISION', 'the revision cannot be deployed', {
    details,
    remedy: `Correct ${errors.length === 1 ? 'that' : 'those'}; \`slipway validate\` shows warnings, too.`,
  });
}

function validateFolder(request: ValidateRequest, folder: string, shown: string): ValidateReport {
  const name = locateAppSpec(folder, request.appSpecFilename, shown);
  if (name === null) throw appSpecMissing(folder, request.appSpecFilename, shown);
  return validateFile(request, join(folder, name), folder, join(shown, name));
}

function validateFile(request: ValidateRequest, file: string, bundleDir: string, shown: string): ValidateReport {
  const text = readAppSpecText(file);
  const { platform: wanted = 'Server' } = request;
  const platform = wanted ?? platformOfText(text);
  if (platform !== 'Server') {
    const only = platform === 'Lambda or ECS' ? null : platform;
    const { findings } = readResourceAppSpec(text, { filename: shown, platform: only });
    return { file: shown, text, platform, findings };
  }
  const reading = readAppSpec(text, { filename: shown, platform: 'linux' });
  const { host, isTargetHost, events } = request;
  const root = realpathSync(bundleDir);
  const options = {
    bundle: { script: (location: string) => scriptFacts(root, location) },
    host,
    isTargetHost,
    ...(events && { events }),
  };
  const findings = [
    ...reading.findings,
    ...lintBundle(reading, options),
    ...(reading.appSpec === null ? [] : lintDestinations(reading, reading.appSpec, root)),
    ...lintInstall(reading, root, request),
  ];
  return { file: shown, text, platform, findings: inOrder(findings) };
}

/** A host on which nothing is yet: what fails there fails everywhere. */
const EMPTY_HOST: TreeView = {
  lstat: () => null,
  readdir: () => [],
  readlink: () => '',
  realpath: () => null,
  sameContent: () => false,
};

/** The install planner's own words about files and permissions. */
function lintInstall(reading: AppSpecReading, archiveDir: string, request: ValidateRequest): Finding[] {
  const { appSpec } = reading;
  if (appSpec === null) return [];
  const result = planInstall({
    appSpec,
    archiveDir,
    archive: diskView(realInstallFs),
    host: EMPTY_HOST,
    previous: [],
    fileExistsBehavior: 'DISALLOW',
    rules: { rejectUnsafePermissions: true, rejectUnconfinedSelinux: request.rejectUnconfinedSelinux },
    ids: { userId: () => 0, groupId: () => 0 },
    ...(request.ownPlaces && { ownPlaces: request.ownPlaces }),
    agentUid: 0,
  });
  if (!result.ok)
    return fewOfAKind(result.problems).flatMap((problem) => findingOf(reading, archiveDir, problem) ?? []);
  const { files, folders } = result.plan;
  const unused = unusedPermissions(
    appSpec,
    files.map(({ path }) => path),
    folders,
  ).map(
    (permission): Finding => ({
      severity: LINT_RULES['permission-unused'].severity,
      rule: 'permission-unused',
      message: `the permission for ${permission.object} applies to nothing that this revision installs`,
      position: reading.placeOf(permission, 'object'),
    }),
  );
  return [...unused, ...lintLinks(reading, appSpec, archiveDir, result.plan)];
}

function unusedPermissions(appSpec: AppSpec, files: readonly string[], folders: readonly string[]): Permission[] {
  const isFolder = (path: string) => folders.includes(path);
  return appSpec.permissions.filter(
    (permission) => matchPermissions([permission], { files, folders, isFolder }).matches.length === 0,
  );
}

/** Rule of the planner → the key that it is about. */
const KEY_OF_RULE: Partial<Record<PlanProblem['rule'], keyof FileMapping | keyof Permission>> = {
  'source-missing': 'source',
  'source-escapes': 'source',
  'source-unusable': 'source',
  'destination-climbs': 'destination',
  'duplicate-destination': 'destination',
  'own-place': 'destination',
  'permission-pattern': 'pattern',
  'permission-duplicate': 'object',
  'permission-acl': 'acls',
  'permission-unsafe': 'mode',
  'context-unconfined': 'context',
};

function findingOf(reading: AppSpecReading, archiveDir: string, problem: PlanProblem): Finding | null {
  const { rule, origin } = problem;
  // What only a host with something on it can be at odds with does not come up here.
  if (!isLintRule(rule)) return null;
  return {
    severity: LINT_RULES[rule].severity,
    rule,
    message: problem.message.replaceAll(`${archiveDir}/`, ''),
    position: origin === null ? null : reading.placeOf(origin, KEY_OF_RULE[rule]),
  };
}

function isLintRule(rule: string): rule is LintRuleId {
  return Object.hasOwn(LINT_RULES, rule);
}

/** A thousand files that come from two sources are one mistake. */
function fewOfAKind(problems: readonly PlanProblem[]): PlanProblem[] {
  const kinds = Map.groupBy(problems, ({ rule }) => rule);
  return [...kinds.values()].flatMap((ofRule) =>
    [...Map.groupBy(ofRule, ({ origin }) => origin).values()].flatMap((same) => {
      const [last] = same.slice(LISTED_OF_A_KIND);
      const listed = same.slice(0, LISTED_OF_A_KIND);
      const more = same.length - listed.length;
      return last === undefined
        ? listed
        : [...listed, { ...last, message: `${last.message}; and ${more - 1} more like it` }];
    }),
  );
}
