/**
 * Plans what deploying a revision would do to this very host. Nothing is changed: a bundle is unpacked into a folder that is removed again.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { faultsOfScript } from '../appspec/bundle-lint.ts';
import type { LintRuleId } from '../appspec/rules.ts';
import type { AppSpec, Hook } from '../appspec/types.ts';
import { judgeFolder } from '../archive/folder-bundle.ts';
import { unpackBundle } from '../archive/unpack.ts';
import { forSignature, requireSignature } from '../deployment/bundle-signature.ts';
import { bundleTypeOf } from '../deployment/commands/download-bundle.ts';
import { requireKnownEvents } from '../deployment/commands/install.ts';
import type { DeploymentContext } from '../deployment/context.ts';
import { findAppSpec, findInstalledHooks, warningsForLog } from '../deployment/find-appspec.ts';
import { describeGroupId } from '../deployment/groups-on-host.ts';
import { bundleOfArchive } from '../deployment/kept-bundle.ts';
import { archiveDirOf, groupPointers, instructionsDir, readPointer } from '../deployment/layout.ts';
import { requireForeignSource } from '../deployment/own-places.ts';
import { type RevisionOnHost, whoseScripts } from '../deployment/whose-scripts.ts';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import { changesOf } from '../install/changes.ts';
import { fileSystemLookup } from '../install/file-systems.ts';
import { behaviorInForce, type InstallRequest, previewInstall } from '../install/install.ts';
import { type InterruptedInstall, interruptedInstall } from '../install/recover-installs.ts';
import { remediesFor } from '../install/remedies.ts';
import { diskView } from '../install/tree-view.ts';
import type { InstallPlan, PlannedChange } from '../install/types.ts';
import { AGENT_EVENTS } from '../protocol/lifecycle-events.ts';
import type { DeploymentSpecification } from '../protocol/specification.ts';
import { findProgram } from '../system/programs.ts';
import { withScratchFolder } from '../system/scratch-folder.ts';
import { noFolder } from './bundle-kind.ts';
import type { LocalDeploymentPlan } from './plan.ts';
import { scriptFacts, startsHere } from './script-facts.ts';

/** A script that would run, in order. */
export interface PlannedHook {
  readonly event: string;
  /** Relative to its revision's root. */
  readonly script: string;
  /** Origin of the script: `this` revision, or the deployment that brought the one that is installed now. */
  readonly revision: string;
  readonly runas: string | null;
  readonly sudo: boolean;
  readonly timeoutSeconds: number;
}

/** Bytes to write to one file system, and its room for them. */
export interface SpaceNeeds {
  readonly mountPoint: string;
  readonly bytesToWrite: number;
  /** Bytes that the agent's own user may still write. */
  readonly bytesFree: number;
}

/** Why it cannot be done. */
export interface HostPlanProblem {
  /** A rule of the planner, of the linter, or an error code. */
  readonly rule: string;
  /** null: no object of the host is concerned. */
  readonly path: string | null;
  readonly message: string;
}

export interface HostPlan {
  readonly deploymentGroupId: string;
  /**
   * An Install of the group that is under way or was cut off. It is put right before anything else is done in the group; this plan is made
   * against the host as it is now.
   */
  readonly interrupted: InterruptedInstall | null;
  /** `unchanged`: Install would do nothing; scripts may run nevertheless. */
  readonly outcome: 'unchanged' | 'changed' | 'impossible';
  readonly problems: readonly HostPlanProblem[];
  /** Remedies for problems of the Install, by cause; empty when there are none. */
  readonly remedies: readonly string[];
  /** Changes by path; empty when the Install is impossible. */
  readonly changes: readonly PlannedChange[];
  readonly hooks: readonly PlannedHook[];
  readonly space: readonly SpaceNeeds[];
}

/**
 * Plans with Install's own planner, against what is on the host now.
 *
 * @throws SlipwayError REVISION_… when the bundle cannot be brought. A fault of the bundle itself is a problem of the plan
 */
export async function planOnHost(
  ctx: DeploymentContext,
  plan: LocalDeploymentPlan,
  signal?: AbortSignal,
): Promise<HostPlan> {
  const { fs } = ctx.install;
  const interrupted = interruptedInstall(fs, instructionsDir(ctx.rootDir), plan.specification.deploymentGroupId);
  return { ...(await planRevision(ctx, plan, signal)), interrupted };
}

/** Part of the plan that concerns the revision alone. */
type RevisionPlan = Omit<HostPlan, 'interrupted'>;

async function planRevision(
  ctx: DeploymentContext,
  plan: LocalDeploymentPlan,
  signal?: AbortSignal,
): Promise<RevisionPlan> {
  const { specification } = plan;
  const { revision, gitHubAccessToken, gitUserName } = specification;
  requireForeignSource(ctx.install, revision);
  if (revision.revisionType === 'Local Directory') {
    const kept = bundleOfArchive(ctx.rootDir, specification.deploymentGroupId, revision.location);
    const problem = await problemOfSignature(ctx, specification, kept, signal);
    if (problem !== null) return impossible(specification, [problem]);
    return (await problemOfEntries(ctx, specification, signal)) ?? planFrom(ctx, plan, revision.location);
  }
  return withScratchFolder(async (scratch) => {
    const abort = signal === undefined ? {} : { signal };
    const bundleFile = join(scratch, 'bundle');
    const signed = forSignature(ctx, specification, bundleFile);
    await ctx.fetchBundle({ revision, bundleFile, gitHubAccessToken, gitUserName, ...signed, ...abort });
    const unsigned = await problemOfSignature(ctx, specification, bundleFile, signal);
    if (unsigned !== null) return impossible(specification, [unsigned]);
    const archiveDir = join(scratch, 'revision');
    const bundleType = bundleTypeOf(revision);
    const { limits, entryRules: rules } = ctx;
    try {
      await unpackBundle({ bundleFile, bundleType, archiveDir, limits, rules, ...abort });
    } catch (error) {
      return impossible(specification, [problemOf(error)]);
    }
    return planFrom(ctx, plan, archiveDir);
  });
}

/** Finds the reason for which unpacking an archive of the folder would be refused. */
async function problemOfEntries(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  signal: AbortSignal | undefined,
): Promise<RevisionPlan | null> {
  const { revision } = specification;
  if (revision.revisionType !== 'Local Directory' || !existsSync(revision.location)) return null;
  if (!statSync(revision.location).isDirectory()) throw noFolder(revision.location);
  const { limits, entryRules: rules } = ctx;
  try {
    await judgeFolder({ sourceDir: revision.location, limits, rules, ...(signal && { signal }) });
    return null;
  } catch (error) {
    return impossible(specification, [problemOf(error)]);
  }
}

/** DownloadBundle’s own check. A signature that cannot be had for reasons of the network is a fault, and no answer. */
async function problemOfSignature(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  bundleFile: string | null,
  signal: AbortSignal | undefined,
): Promise<HostPlanProblem | null> {
  const signaturesAt = specification.revision.revisionType === 'Local Directory' ? 'host' : 'source';
  try {
    await requireSignature(ctx, specification, { bundleFile, signaturesAt }, signal);
    return null;
  } catch (error) {
    if (isSlipwayError(error) && error.code.startsWith('SIGNATURE_')) return problemOf(error);
    throw error;
  }
}

function planFrom(ctx: DeploymentContext, plan: LocalDeploymentPlan, folder: string): RevisionPlan {
  const { specification } = plan;
  const { deploymentGroupId, deploymentId } = specification;
  if (!existsSync(folder)) throw new SlipwayError('REVISION_NOT_FOUND', `the revision ${folder} is not there`);
  const archiveDir = realpathSync(folder);
  let appSpec: AppSpec;
  try {
    const found = findAppSpec(archiveDir, specification.appSpecFilename);
    requireKnownEvents(found.appSpec, found.filename, specification.allPossibleLifecycleEvents);
    appSpec = found.appSpec;
    for (const line of warningsForLog(found).split('\n').filter(Boolean)) ctx.log.warn(line);
  } catch (error) {
    return impossible(specification, [problemOf(error)]);
  }
  const scripts = planHooks(ctx, plan, { name: 'this', archiveDir, scripts: appSpec.hooks });
  const request: InstallRequest = {
    appSpec,
    archiveDir,
    instructionsDir: instructionsDir(ctx.rootDir),
    deploymentGroupId,
    deploymentId,
    deploymentDir: archiveDir,
    fileExistsBehavior: specification.fileExistsBehavior,
    rules: ctx.installRules,
    protectPaths: ctx.protectPaths ?? [],
    nameOfGroup: (id) => describeGroupId(ctx.rootDir, id),
  };
  const preview = previewInstall(ctx.install, request);
  if (!preview.ok) {
    const ofInstall = preview.problems.map(({ rule, path, message }) => ({ rule, path, message }));
    const remedies = remediesFor(preview.problems, behaviorInForce(request));
    return { ...impossible(specification, [...ofInstall, ...scripts.problems]), remedies, hooks: scripts.hooks };
  }
  const changes = byPath(changesOf(preview.plan, diskView(ctx.install.fs)));
  const space = spaceNeeds(ctx, preview.plan);
  const { problems } = scripts;
  const isChanged = changes.some(({ change }) => change !== 'keep');
  const outcome = problems.length > 0 ? 'impossible' : isChanged ? 'changed' : 'unchanged';
  return { deploymentGroupId, outcome, problems, remedies: [], changes, hooks: scripts.hooks, space };
}

function impossible(
  { deploymentGroupId }: DeploymentSpecification,
  problems: readonly HostPlanProblem[],
): RevisionPlan {
  return { deploymentGroupId, outcome: 'impossible', problems, remedies: [], changes: [], hooks: [], space: [] };
}

/** A fault of the revision is what a plan is asked for; a fault of Slipway is none. */
function problemOf(error: unknown): HostPlanProblem {
  if (!(error instanceof SlipwayError)) throw error;
  return { rule: error.code, path: null, message: error.message };
}

/** A revision whose scripts run. */
interface ScriptedRevision {
  /** `this`, or the id of the deployment that brought it. */
  readonly name: string;
  readonly archiveDir: string;
  readonly scripts: AppSpec['hooks'];
}

interface PlannedHooks {
  readonly hooks: readonly PlannedHook[];
  readonly problems: readonly HostPlanProblem[];
}

/** The scripts of every event in order, from the revision that has the say at that time, and what would keep them from running. */
function planHooks(ctx: DeploymentContext, plan: LocalDeploymentPlan, own: ScriptedRevision): PlannedHooks {
  const hooks: PlannedHook[] = [];
  const problems: HostPlanProblem[] = [];
  for (const [index, event] of plan.events.entries()) {
    if (AGENT_EVENTS.some((name) => name === event)) continue;
    // Once the bundle is unpacked its own scripts are always used.
    const isUnpacked = plan.events.slice(0, index).includes('DownloadBundle');
    const whose = isUnpacked ? 'current' : whoseScripts(event, plan.specification);
    const revision = whose === 'current' ? own : oldRevision(ctx, plan.specification, whose);
    if (revision === null) continue;
    // A fault of an old revision's script ends the deployment only if the configuration says so.
    const isFatal = revision === own || ctx.applicationStop === 'fail';
    for (const hook of revision.scripts.get(event) ?? []) {
      const { location: script, runas, sudo, timeoutSeconds } = hook;
      hooks.push({ event, script, revision: revision.name, runas, sudo, timeoutSeconds });
      const problem = isFatal ? problemOfScript(ctx, revision.archiveDir, hook) : null;
      if (problem === null) continue;
      problems.push({ ...problem, message: `${event} would fail: the script ${script} ${problem.message}` });
    }
  }
  return { hooks, problems };
}

/** The revision that is on the host; null: there is none, or it is gone, and the event is skipped. */
function oldRevision(
  ctx: DeploymentContext,
  { deploymentGroupId, appSpecFilename }: DeploymentSpecification,
  whose: Exclude<RevisionOnHost, 'current'>,
): ScriptedRevision | null {
  const pointers = groupPointers(ctx.rootDir, deploymentGroupId);
  const deploymentDir = readPointer(whose === 'last-successful' ? pointers.lastSuccessful : pointers.mostRecent);
  if (deploymentDir === null || !existsSync(archiveDirOf(deploymentDir))) return null;
  const archiveDir = realpathSync(archiveDirOf(deploymentDir));
  try {
    const { hooks: scripts } = findInstalledHooks(archiveDir, appSpecFilename);
    return { name: basename(deploymentDir), archiveDir, scripts };
  } catch (error) {
    // Its events are skipped, then.
    if (isSlipwayError(error)) return null;
    throw error;
  }
}

/** Faults by which a script cannot run on this host; others are for its author. */
const FATAL_FAULTS = new Set<LintRuleId>([
  'script-missing',
  'script-outside',
  'script-crlf',
  'shebang-arguments',
  'interpreter-missing',
  'script-no-program',
  'program-other-machine',
]);

function problemOfScript(ctx: DeploymentContext, archiveDir: string, hook: Hook): HostPlanProblem | null {
  const { location, runas } = hook;
  const path = join(archiveDir, location);
  // What `env` is to look for depends on a PATH that is not this process's, but the agent's or that of another user's login.
  const hasProgram = (program: string) => !program.includes('/') || findProgram(program, undefined) !== null;
  const faults = faultsOfScript(scriptFacts(archiveDir, location), { hasProgram, starts: startsHere }, location);
  const fault = faults.find(({ rule }) => FATAL_FAULTS.has(rule));
  if (fault !== undefined) return { rule: fault.rule, path, message: fault.text };
  if (runas !== null && ctx.install.ids.userId(runas) === null) {
    return { rule: 'unknown-user', path, message: `is to run as '${runas}', who does not exist here` };
  }
  return null;
}

function byPath(changes: readonly PlannedChange[]): PlannedChange[] {
  return changes.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** For the eye: whether it fits, blocks and inodes counted, the planner has judged, by the same figure of what is free. */
function spaceNeeds({ install }: DeploymentContext, plan: InstallPlan): SpaceNeeds[] {
  const fileSystemOf = fileSystemLookup(install.fs, install.agentUid);
  const needs = new Map<string, SpaceNeeds>();
  for (const { path, kind, facts } of plan.files) {
    if (kind !== 'file') continue;
    const { id, mountPoint, freeBytes } = fileSystemOf(dirname(path));
    const bytesToWrite = (needs.get(id)?.bytesToWrite ?? 0) + facts.sizeBytes;
    needs.set(id, { mountPoint, bytesToWrite, bytesFree: freeBytes });
  }
  return [...needs.values()];
}
