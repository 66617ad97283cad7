/**
 * Kills the server at each call of a deployment to ECS, right before the call is carried out and right after. Whatever the moment, all
 * production traffic ends at one task set, which runs and is PRIMARY. No task set is made twice. The deployment ends as without a kill.
 */
import { type AwsCall, CUT } from '../support/aws-stand-in.ts';
import { ecsAppSpec } from '../support/ecs-site.ts';
import type { EcsWorld } from '../support/ecs-world.ts';
import { createDeployment } from './create-deployment.ts';
import { type EcsGround, GROUP, isSplit, openEcsGround, sharesOf } from './ecs-ground.ts';
import { openLanes } from './lanes.ts';
import { patiently } from './patience.ts';
import type { Outcome, RunScenarios, Site } from './scenario.ts';

interface Plan {
  readonly name: string;
  readonly config: keyof typeof ROUTINGS;
  /** Answer of the hook after the traffic; null: there is none. */
  readonly hook: 'Failed' | null;
  /** Whether it is stopped, with a rollback, once traffic has moved. */
  readonly isStopped: boolean;
  /** Whether looks are killed, too, and not changes alone. */
  readonly everyCall: boolean;
  /** Percent of green at the end. */
  readonly endsAt: 0 | 100;
  /** Whether the service has two pairs of target groups, which move together; absent: one. */
  readonly hasInner?: true;
}

const PLANS: readonly Plan[] = [
  { name: 'canary that succeeds', config: 'canary', hook: null, isStopped: false, everyCall: true, endsAt: 100 },
  { name: 'linear that succeeds', config: 'linear', hook: null, isStopped: false, everyCall: false, endsAt: 100 },
  {
    ...{ name: 'hook that fails, with a rollback', config: 'canary', hook: 'Failed', isStopped: false },
    ...{ everyCall: false, endsAt: 0 },
  },
  { name: 'stop with a rollback', config: 'long', hook: null, isStopped: true, everyCall: false, endsAt: 0 },
];
/** The service has two pairs of target groups, which move together. */
const PLANS_OF_PAIRS: readonly Plan[] = [
  {
    ...{ name: 'canary of two pairs that succeeds', config: 'canary', hook: null, isStopped: false },
    ...{ everyCall: false, endsAt: 100, hasInner: true },
  },
  {
    ...{ name: 'stop of two pairs with a rollback', config: 'long', hook: null, isStopped: true },
    ...{ everyCall: false, endsAt: 0, hasInner: true },
  },
];
const ROUTINGS = {
  canary: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval: 1 } },
  linear: { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 34, linearInterval: 1 } },
  long: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 30, canaryInterval: 2_880 } },
} as const;
const MOMENTS = ['before', 'after'] as const;

/** The server is killed at the call of this number, of those that count. */
interface Kill {
  readonly at: number;
  readonly moment: (typeof MOMENTS)[number];
}

interface Trial {
  readonly plan: Plan;
  /** null: nothing is killed. */
  readonly kill: Kill | null;
}

export const runEcsKills: RunScenarios = (site, report) => runKills(PLANS, site, report);
export const runEcsPairKills: RunScenarios = (site, report) => runKills(PLANS_OF_PAIRS, site, report);

async function runKills(plans: readonly Plan[], site: Site, report: Parameters<RunScenarios>[1]): Promise<void> {
  await using lanes = await openLanes(site, async (own) => {
    const ground = await openEcsGround(own);
    for (const [deploymentConfigName, trafficRoutingConfig] of Object.entries(ROUTINGS)) {
      const config = { deploymentConfigName, computePlatform: 'ECS', trafficRoutingConfig } as const;
      await ground.client().call('CreateDeploymentConfig', config);
    }
    return ground;
  });
  let number = 0;
  const trial = async (ground: EcsGround, { plan, kill }: Trial) => {
    number += 1;
    try {
      const result = await run(ground, plan, number, kill);
      report(result.outcome);
      return { plan, actions: result.actions };
    } catch (error) {
      // The other trials go on.
      report({ scenario: `ECS: ${plan.name}`, problems: [String(error)], kills: 0, isSplitAtEnd: false });
      return { plan, actions: [] };
    }
  };
  const calm = await lanes.run(
    plans.map((plan): Trial => ({ plan, kill: null })),
    trial,
  );
  const kills = calm.flatMap(({ plan, actions }) =>
    actions.flatMap((action, at) =>
      // A look has no effect that could be lost.
      (isChange(action) ? MOMENTS : (['before'] as const)).map((moment): Trial => ({ plan, kill: { at, moment } })),
    ),
  );
  await lanes.run(kills, trial);
}

async function run(ground: EcsGround, plan: Plan, number: number, kill: Kill | null) {
  const applicationName = `shop-${number}`;
  const autoRollbackConfiguration = { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST'] };
  const world = await ground.fresh(applicationName, { autoRollbackConfiguration }, plan.hasInner);
  const killed = killAt(ground, world, plan, kill);
  const hooks: Record<string, string> = plan.hook === null ? {} : { AfterAllowTraffic: applicationName };
  ground.lambda.functions.set(
    applicationName,
    async ({ DeploymentId: deploymentId, LifecycleEventHookExecutionId: id }) => {
      const answer = { deploymentId, lifecycleEventHookExecutionId: id, status: plan.hook ?? 'Succeeded' } as const;
      await ground.insist(() => ground.client().call('PutLifecycleEventHookExecutionStatus', answer));
    },
  );
  const problems: string[] = [];
  try {
    const deploymentId = await createDeployment(ground.client, {
      ...{ applicationName, deploymentGroupName: GROUP, deploymentConfigName: plan.config },
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: ecsAppSpec(2, hooks) } },
    });
    if (plan.isStopped) {
      await patiently(() => sharesOf(world).every((share) => share === 30));
      await stop(ground, deploymentId);
    }
    const { rollbackInfo, status, errorInformation } = await ground.ended(deploymentId);
    const rollbackId = rollbackInfo?.rollbackDeploymentId;
    const rollback = rollbackId === undefined ? null : await ground.ended(rollbackId);
    if (rollback !== null && rollback.status !== 'Succeeded') {
      problems.push(`the rollback ended as ${rollback.status}: ${rollback.errorInformation?.message}`);
    }
    const wanted = plan.isStopped ? 'Stopped' : plan.hook === null ? 'Succeeded' : 'Failed';
    if (status !== wanted) problems.push(`it ended as ${status}: ${errorInformation?.message}`);
    await killed.isOver();
    problems.push(...problemsOf(world, plan));
    // How often a task set is looked at differs from run to run, and so does the number of all calls.
    if (kill !== null && !plan.everyCall && !killed.wasKilled()) problems.push('the server was not killed');
  } catch (error) {
    problems.push(String(error));
    await killed.isOver().catch((fault: unknown) => problems.push(String(fault)));
  } finally {
    killed.end();
  }
  const when = `killed ${kill?.moment} call ${(kill?.at ?? 0) + 1} (${killed.lastAction()})`;
  const where = kill === null ? '' : killed.wasKilled() ? `, ${when}` : `, over before call ${kill.at + 1}`;
  const outcome: Outcome = {
    scenario: `ECS: ${plan.name}${where}`,
    problems,
    kills: killed.wasKilled() ? 1 : 0,
    isSplitAtEnd: isSplit(world),
  };
  return { outcome, actions: killed.actions() };
}

function problemsOf(world: EcsWorld, { endsAt, hasInner }: Plan): readonly string[] {
  const shares = sharesOf(world);
  const sets = world.taskSets.map(({ groups, status }) => `${groups.join(' and ')} ${status}`);
  const side = endsAt === 0 ? 'a' : 'b';
  const wanted = [`shop-${side}${hasInner === true ? ` and inner-${side}` : ''} PRIMARY`];
  return [
    ...(shares.every((share) => share === endsAt)
      ? []
      : [`green has ${shares.join('% and ')}% at the end, and not ${endsAt}%`]),
    ...(JSON.stringify(sets) === JSON.stringify(wanted) ? [] : [`the task sets are ${sets.join(', ')}`]),
    ...(world.made === 2 ? [] : [`${world.made - 1} task sets were made`]),
  ];
}

function isChange(action: string): boolean {
  return !/^(Describe|List)/.test(action);
}

/** Kills the server at one call. A deployment of which only changes are counted has few calls that differ from run to run. */
function killAt(ground: EcsGround, world: EcsWorld, { everyCall }: Plan, kill: Kill | null) {
  const actions: string[] = [];
  let action = '';
  let restarting: Promise<void> | null = null;
  const counts = (call: AwsCall) => everyCall || isChange(call.action);
  const end = (call: AwsCall): typeof CUT => {
    action = call.action;
    ground.kill();
    restarting = ground.restart();
    // Those who wait for it hear of a failure.
    restarting.catch(() => undefined);
    return CUT;
  };
  world.before = (call) => {
    if (!counts(call)) return undefined;
    actions.push(call.action);
    const isHere = restarting === null && kill?.moment === 'before' && actions.length - 1 === kill.at;
    return isHere ? end(call) : undefined;
  };
  world.after = (call) => {
    const isHere = restarting === null && kill?.moment === 'after' && counts(call) && actions.length - 1 === kill.at;
    return isHere ? end(call) : undefined;
  };
  return {
    actions: () => actions,
    wasKilled: () => restarting !== null,
    lastAction: () => action,
    /** Waits until the server that was killed runs again. */
    isOver: async () => void (await restarting),
    end() {
      world.before = () => undefined;
      world.after = () => undefined;
    },
  };
}

/** A stop that came through before its answer was lost is asked for again, or has ended the deployment already. */
async function stop(ground: EcsGround, deploymentId: string): Promise<void> {
  await ground.insist(async () => {
    try {
      await ground.client().call('StopDeployment', { deploymentId, autoRollbackEnabled: true });
    } catch (error) {
      if ((error as { readonly type?: unknown }).type !== 'DeploymentAlreadyCompletedException') throw error;
    }
  });
}
