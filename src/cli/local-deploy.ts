import { openWireLog } from '../agent/wire-log.ts';
import { type AgentConfig, loadAgentConfig } from '../config/agent-config.ts';
import { createDeploymentContext, type HostFacts } from '../deployment/create-context.ts';
import type { GroupOnHost } from '../deployment/groups-on-host.ts';
import { type ConfiguredFolders, pipesFolder, reservedIds } from '../deployment/layout.ts';
import { SlipwayError } from '../errors.ts';
import { createPipeSupply } from '../hooks/pipe-supply.ts';
import { resolveIdentity } from '../identity/resolve-identity.ts';
import { kindOfBundle } from '../local/bundle-kind.ts';
import { runLocalDeployment } from '../local/deploy.ts';
import { findGroup } from '../local/find-group.ts';
import type { LocalBundleType } from '../local/location.ts';
import { type LocalDeploymentPlan, newLocalDeploymentId, planLocalDeployment } from '../local/plan.ts';
import { createFileLogger } from '../logging/create-logger.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { closeInheritedDescriptors } from '../system/inherited-descriptors.ts';
import { pathFrom } from '../system/working-folder.ts';
import type { CliContext } from './context.ts';
import { localDeploymentView } from './view/local-deployment.ts';
import type { ResultOptions } from './view/result.ts';

/** The flags of `slipway local`, which are those of `codedeploy-local`. */
export interface LocalDeployOptions extends ResultOptions {
  readonly bundleLocation?: string;
  readonly type?: LocalBundleType;
  readonly fileExistsBehavior: FileExistsBehavior;
  /** A group that is on this host, by whatever it is called. */
  readonly group?: string;
  /** The official flag: an id, also of a group that is new. */
  readonly deploymentGroup?: string;
  readonly deploymentGroupName?: string;
  readonly applicationName?: string;
  readonly events?: string;
  readonly agentConfigurationFile?: string;
  readonly appspecFilename: string;
  readonly githubToken?: string;
}

/**
 * Deploys on this machine and prints each event as it ends.
 *
 * @returns whether it succeeded
 * @throws SlipwayError CLI_BAD_ARGUMENT naming everything that is wrong with the flags, before anything is done
 */
export async function deployLocally(ctx: CliContext, options: LocalDeployOptions): Promise<boolean> {
  const { config } = loadAgentConfig(options.agentConfigurationFile ?? null);
  const plan = localPlanFor(ctx, config, { ...options, ...namedGroup(config.rootDir, options) });
  return carryOut(ctx, config, plan, await identityFor(ctx, config, plan), options);
}

/**
 * Carries out a local deployment's plan and prints each event as it ends, and what is at fault if one fails.
 *
 * @returns whether it succeeded
 */
export async function carryOut(
  ctx: CliContext,
  config: AgentConfig,
  plan: LocalDeploymentPlan,
  identity: LocalIdentity,
  options: ResultOptions,
): Promise<boolean> {
  closeInheritedDescriptors(process.argv, process.env);
  // As the agent's executors: the modes of what is installed are the revision's, not the shell's that this was typed in.
  process.umask(0o022);
  const view = localDeploymentView(ctx, options);
  const log = createFileLogger({ logDir: config.logDir, programName: 'codedeploy-local' });
  const wire = openWireLog(config, 'codedeploy-local', log);
  try {
    using hookPipes = createPipeSupply(pipesFolder(config.rootDir));
    const host = {
      ...identity,
      baseEnvironment: ctx.env,
      onDownloadProgress: view.download,
      clock: ctx.clock,
      log,
      ...(wire === null ? {} : { onWire: wire.append }),
    };
    const deployment = { ...createDeploymentContext(config, host), hookPipes };
    view.begin(plan);
    const result = await runLocalDeployment(deployment, plan, view.progress, ctx.interrupted);
    view.end(plan, result);
    return result.status === 'Succeeded';
  } finally {
    wire?.close();
    await log.close();
  }
}

/** The id and the names of a deployment group, as flags; flags that are given go before. */
export type GroupFlags = Pick<LocalDeployOptions, 'deploymentGroup' | 'deploymentGroupName' | 'applicationName'>;

/**
 * Finds the group that `--group` names on this host.
 *
 * @returns nothing without that flag
 * @throws SlipwayError CLI_BAD_ARGUMENT when two flags name a group; ROLLBACK_NO_GROUP listing the groups of this host
 */
export function namedGroup(rootDir: string, options: GroupFlags & Pick<LocalDeployOptions, 'group'>): GroupFlags {
  if (options.group === undefined) return {};
  if (options.deploymentGroup !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--group and --deployment-group both name the deployment group', {
      remedy: 'Pass --group for one that is on this host, or --deployment-group with the id of a new one.',
    });
  }
  return { ...flagsOfGroup(findGroup(rootDir, options.group)), ...given(options) };
}

export function flagsOfGroup({ id, names }: GroupOnHost): GroupFlags {
  const named = names === null ? {} : { deploymentGroupName: names.group, applicationName: names.application };
  return { deploymentGroup: id, ...named };
}

function given({ deploymentGroupName, applicationName }: GroupFlags): GroupFlags {
  return {
    ...(deploymentGroupName === undefined ? {} : { deploymentGroupName }),
    ...(applicationName === undefined ? {} : { applicationName }),
  };
}

/** @throws SlipwayError CLI_BAD_ARGUMENT naming everything that is wrong with the flags */
export function localPlanFor(
  ctx: CliContext,
  config: ConfiguredFolders,
  options: LocalDeployOptions,
): LocalDeploymentPlan {
  const { bundleLocation = '.' } = options;
  if (!/^(git\+)?[a-z0-9]+:\/\//.test(bundleLocation)) pathFrom(ctx.workingDirectory, bundleLocation);
  const gitHubToken = options.githubToken ?? (ctx.env['CODEDEPLOY_GITHUB_TOKEN'] || undefined);
  const result = planLocalDeployment({
    bundleLocation: options.bundleLocation ?? null,
    workingDirectory: ctx.workingDirectory,
    deploymentId: newLocalDeploymentId(ctx.random),
    bundleType: options.type ?? kindOfBundle(bundleLocation, ctx.workingDirectory),
    fileExistsBehavior: options.fileExistsBehavior,
    reservedIds: reservedIds(config),
    ...(options.deploymentGroup === undefined ? {} : { deploymentGroupId: options.deploymentGroup }),
    ...(options.deploymentGroupName === undefined ? {} : { deploymentGroupName: options.deploymentGroupName }),
    appSpecFilename: options.appspecFilename,
    ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
    ...(options.events === undefined ? {} : { events: options.events }),
    ...(gitHubToken === undefined ? {} : { gitHubToken }),
  });
  if (result.ok) return result.plan;
  throw new SlipwayError('CLI_BAD_ARGUMENT', `this cannot be deployed: ${result.problems.join('; ')}`);
}

/** Facts about the host that a local deployment needs: where S3 is asked, and as whom. */
export type LocalIdentity = Pick<HostFacts, 'region' | 'credentials'>;

/** Only a revision on S3 needs to know who this host is. */
export async function identityFor(
  ctx: CliContext,
  config: AgentConfig,
  plan: LocalDeploymentPlan,
): Promise<LocalIdentity> {
  if (plan.specification.revision.revisionType === 'S3') return resolveIdentity(config, ctx.env, ctx.clock);
  return NO_IDENTITY;
}

/** Identity for commands that need nothing from outside of this machine. */
export const NO_IDENTITY: LocalIdentity = {
  region: 'us-east-1',
  credentials: async () => {
    throw new SlipwayError('AGENT_NO_CREDENTIALS', 'a local deployment has no credentials');
  },
};
