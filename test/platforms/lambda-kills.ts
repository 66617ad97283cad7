/**
 * Kills the server at each call of a deployment to Lambda, right before Lambda carries it out and right after. Whatever the moment: the alias ends at
 * one version, no hook runs twice, and the deployment ends as it would have ended.
 */

import { eventually } from '../support/eventually.ts';
import { type LambdaCall, makeAlias, percentOfTwo } from '../support/lambda-stand-in.ts';
import { createDeployment } from './create-deployment.ts';
import { APPLICATION, appSpecOf, type LambdaGround, openLambdaGround, ROLE } from './lambda-ground.ts';
import { openLanes } from './lanes.ts';
import { patiently } from './patience.ts';
import type { Outcome, RunScenarios } from './scenario.ts';

interface Plan {
  readonly name: string;
  readonly config: string;
  /** Answers of the hooks. */
  readonly before: 'Succeeded' | 'Failed';
  readonly after: 'Succeeded' | 'Failed';
  /** Whether it is stopped, with a rollback, once traffic has moved. */
  readonly isStopped: boolean;
  /** Percent of the new version at the end. */
  readonly endsAt: 0 | 100;
}

const PLANS: readonly Plan[] = [
  {
    name: 'canary that succeeds',
    config: 'canary',
    before: 'Succeeded',
    after: 'Succeeded',
    isStopped: false,
    endsAt: 100,
  },
  {
    name: 'linear that succeeds',
    config: 'linear',
    before: 'Succeeded',
    after: 'Succeeded',
    isStopped: false,
    endsAt: 100,
  },
  {
    name: 'hook that fails, with a rollback',
    config: 'canary',
    before: 'Succeeded',
    after: 'Failed',
    isStopped: false,
    endsAt: 0,
  },
  { name: 'stop with a rollback', config: 'long', before: 'Succeeded', after: 'Succeeded', isStopped: true, endsAt: 0 },
];
const ROUTINGS = {
  canary: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval: 1 } },
  linear: { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 34, linearInterval: 1 } },
  long: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 30, canaryInterval: 2_880 } },
} as const;
const MOMENTS = ['before', 'after'] as const;
type Moment = (typeof MOMENTS)[number];
const LATE_KILL_MS = 5_000;

/** Where the server is killed; null: nowhere. */
interface Kill {
  /** Index of the call. */
  readonly at: number;
  readonly moment: Moment;
}

interface Trial {
  readonly plan: Plan;
  readonly kill: Kill | null;
}

export const runLambdaKills: RunScenarios = async (site, report) => {
  await using lanes = await openLanes(site, async (own) => {
    const ground = await openLambdaGround(own);
    await furnish(ground);
    return ground;
  });
  let number = 0;
  const trial = async (ground: LambdaGround, { plan, kill }: Trial) => {
    number += 1;
    try {
      const result = await run(ground, plan, number, kill);
      report(result.outcome);
      return { plan, calls: result.calls };
    } catch (error) {
      // The other trials go on.
      report({ scenario: `Lambda: ${plan.name}`, problems: [String(error)], kills: 0, isSplitAtEnd: false });
      return { plan, calls: 0 };
    }
  };
  const calm = await lanes.run(
    PLANS.map((plan): Trial => ({ plan, kill: null })),
    trial,
  );
  const kills = calm.flatMap(({ plan, calls }) =>
    Array.from({ length: calls }, (_, at) => MOMENTS.map((moment): Trial => ({ plan, kill: { at, moment } }))).flat(),
  );
  await lanes.run(kills, trial);
};

async function furnish(ground: LambdaGround): Promise<void> {
  await ground.client().call('CreateApplication', { applicationName: APPLICATION, computePlatform: 'Lambda' });
  for (const [deploymentConfigName, trafficRoutingConfig] of Object.entries(ROUTINGS)) {
    await ground.client().call('CreateDeploymentConfig', {
      ...{ deploymentConfigName, computePlatform: 'Lambda', trafficRoutingConfig },
    });
  }
}

async function run(ground: LambdaGround, plan: Plan, number: number, kill: Kill | null) {
  const { lambda } = ground;
  const name = `fn-${number}`;
  const alias = makeAlias(lambda, `${name}:live`);
  const invoked: string[] = [];
  for (const hook of ['before', 'after'] as const) {
    lambda.functions.set(`${name}-${hook}`, async (event) => {
      invoked.push(hook);
      await ground.answer(event, plan[hook]);
    });
  }
  // The function itself, its alias and its hooks.
  const killed = killAt(ground, kill, ({ functionName }) => /^fn-\d+/.exec(functionName)?.[0] === name);
  const group = { applicationName: APPLICATION, deploymentGroupName: name };
  await ground.client().call('CreateDeploymentGroup', { ...group, serviceRoleArn: ROLE });
  const problems: string[] = [];
  try {
    const deploymentId = await createDeployment(ground.client, {
      ...group,
      deploymentConfigName: plan.config,
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST'] },
      revision: {
        revisionType: 'AppSpecContent',
        appSpecContent: {
          content: appSpecOf(name, { BeforeAllowTraffic: `${name}-before`, AfterAllowTraffic: `${name}-after` }),
        },
      },
    });
    if (plan.isStopped) {
      await patiently(() => percentOfTwo(alias) === 30);
      await stop(ground, deploymentId);
    }
    await killed.isOver(deploymentId);
    const info = await ground.ended(deploymentId);
    const rollbackId = info.rollbackInfo?.rollbackDeploymentId;
    if (rollbackId !== undefined) {
      const rollback = await ground.ended(rollbackId);
      if (rollback.status !== 'Succeeded')
        problems.push(`the rollback ended as ${rollback.status}: ${rollback.errorInformation?.message}`);
    }
    const message = info.errorInformation?.message;
    if (percentOfTwo(alias) !== plan.endsAt)
      problems.push(`the alias ends at ${percentOfTwo(alias)} and not at ${plan.endsAt}: ${message}`);
    const twice = invoked.filter((hook, index) => invoked.indexOf(hook) !== index);
    if (twice.length > 0) problems.push(`called twice: ${twice.join(', ')}`);
    if (kill !== null && !killed.wasKilled()) problems.push('the server was not killed');
  } catch (error) {
    problems.push(String(error));
    await killed.isBack().catch((fault: unknown) => problems.push(String(fault)));
  } finally {
    killed.end();
  }
  const where = kill === null ? '' : `, killed ${kill.moment} call ${kill.at + 1} (${killed.lastCall()?.operation})`;
  const isSplitAtEnd = ![0, 100].includes(percentOfTwo(alias));
  const outcome: Outcome = {
    scenario: `Lambda: ${plan.name}${where}`,
    problems,
    kills: killed.wasKilled() ? 1 : 0,
    isSplitAtEnd,
  };
  return { outcome, calls: killed.calls() };
}

/** Kills the server at one call about one function. */
function killAt(ground: LambdaGround, kill: Kill | null, isOurs: (call: LambdaCall) => boolean) {
  const { lambda } = ground;
  let calls = 0;
  let isKilled = false;
  let last: LambdaCall | null = null;
  let restarting: Promise<void> | null = null;
  const end = (call: LambdaCall) => {
    isKilled = true;
    last = call;
    ground.kill();
    restarting = ground.restart();
    // Those who wait for it hear of a failure.
    restarting.catch(() => undefined);
  };
  lambda.fault = (call) => {
    if (!isOurs(call)) return null;
    calls += 1;
    if (isKilled || kill?.moment !== 'before' || calls - 1 !== kill.at) return null;
    end(call);
    return 'hang up before';
  };
  lambda.carriedOut = (call) => {
    // The answer of a hook has begun other calls meanwhile: only the first time counts.
    if (!isOurs(call) || isKilled || kill?.moment !== 'after' || calls - 1 < kill.at) return;
    end(call);
  };
  return {
    calls: () => calls,
    wasKilled: () => isKilled,
    lastCall: () => last,
    /** Waits until the server that was killed runs again, or the deployment is over without a kill. */
    async isOver(deploymentId: string) {
      await patiently(async () => {
        if (isKilled) return true;
        const { status, rollbackInfo } = await ground.info(deploymentId);
        const rollbackId = rollbackInfo?.rollbackDeploymentId;
        if (!['Succeeded', 'Failed', 'Stopped'].includes(status ?? '')) return false;
        return (
          rollbackId === undefined || ['Succeeded', 'Failed'].includes((await ground.info(rollbackId)).status ?? '')
        );
      }).catch((error: unknown) => {
        if (!isKilled) throw error;
      });
      // The answer of the last hook ends the deployment before its call is over, which is where the server may be killed.
      if (kill !== null) await eventually(() => isKilled, { withinMs: LATE_KILL_MS }).catch(() => undefined);
      await restarting;
    },
    /** Waits until the server that was killed runs again, for the next trial. */
    isBack: async () => void (await restarting),
    end() {
      lambda.fault = () => null;
      lambda.carriedOut = () => undefined;
    },
  };
}

/** A server that is down is asked again. */
async function stop(ground: LambdaGround, deploymentId: string): Promise<void> {
  await patiently(async () => {
    try {
      await ground.client().call('StopDeployment', { deploymentId, autoRollbackEnabled: true });
      return true;
    } catch (error) {
      return (error as { readonly type?: unknown }).type === 'DeploymentAlreadyCompletedException';
    }
  });
}
