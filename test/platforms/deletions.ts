/**
 * Deletes the application while traffic moves, also with a server that is killed (SIGKILL) at the call that leads the traffic back. The traffic ends at the
 * old version, whatever the moment.
 */
import { join } from 'node:path';
import { CUT } from '../support/aws-stand-in.ts';
import { ecsAppSpec } from '../support/ecs-site.ts';
import { makeAlias, percentOfTwo } from '../support/lambda-stand-in.ts';
import { GROUP, isSplit, openEcsGround, sharesOf } from './ecs-ground.ts';
import { appSpecOf, openLambdaGround, ROLE } from './lambda-ground.ts';
import { isAnswer, patiently } from './patience.ts';
import type { RunScenarios } from './scenario.ts';

const LONG = { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 30, canaryInterval: 2_880 } } as const;
const KILLS = [null, 'before', 'after'] as const;
type Kill = (typeof KILLS)[number];

export const runDeletions: RunScenarios = async ({ folder, program }, report) => {
  await deleteForEcs({ folder: join(folder, 'ecs'), program }, report);
  await deleteForLambda({ folder: join(folder, 'lambda'), program }, report);
};

const scenarioOf = (platform: string, kill: Kill) =>
  `${platform}: the application is deleted while traffic moves${kill === null ? '' : `, killed ${kill} the call that leads it back`}`;

const deleteForEcs: RunScenarios = async (site, report) => {
  await using ground = await openEcsGround(site);
  const config = { deploymentConfigName: 'long', computePlatform: 'ECS', trafficRoutingConfig: LONG } as const;
  await ground.client().call('CreateDeploymentConfig', config);
  for (const kill of KILLS) {
    const applicationName = `deleted-${kill ?? 'whole'}`;
    const world = await ground.fresh(applicationName);
    await ground.client().call('CreateDeployment', {
      ...{ applicationName, deploymentGroupName: GROUP, deploymentConfigName: 'long' },
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: ecsAppSpec(2) } },
    });
    await patiently(() => sharesOf(world).every((share) => share === 30));
    let restarting: Promise<void> | null = null;
    const killAt = (moment: Kill) => () => {
      if (kill !== moment || restarting !== null) return undefined;
      ground.kill();
      restarting = ground.restart();
      return CUT;
    };
    world.before = ({ action }) => (action === 'ModifyListener' ? killAt('before')() : undefined);
    world.after = ({ action }) => (action === 'ModifyListener' ? killAt('after')() : undefined);
    const problems: string[] = [];
    try {
      await ground.insist(() => ground.client().call('DeleteApplication', { applicationName }));
      await restarting;
      if (kill !== null && restarting === null) problems.push('the server was not killed');
      const shares = sharesOf(world);
      if (!shares.every((share) => share === 0)) problems.push(`green has ${shares.join('% and ')}% at the end`);
    } catch (error) {
      problems.push(String(error));
    }
    report({
      scenario: scenarioOf('ECS', kill),
      problems,
      kills: restarting === null ? 0 : 1,
      isSplitAtEnd: isSplit(world),
    });
  }
};

const deleteForLambda: RunScenarios = async (site, report) => {
  await using ground = await openLambdaGround(site);
  const config = { deploymentConfigName: 'long', computePlatform: 'Lambda', trafficRoutingConfig: LONG } as const;
  await ground.client().call('CreateDeploymentConfig', config);
  const { lambda } = ground;
  for (const kill of KILLS) {
    const applicationName = `deleted-${kill ?? 'whole'}`;
    const alias = makeAlias(lambda, `${applicationName}:live`);
    const names = { applicationName, deploymentGroupName: 'live' };
    await ground.client().call('CreateApplication', { applicationName, computePlatform: 'Lambda' });
    await ground.client().call('CreateDeploymentGroup', { ...names, serviceRoleArn: ROLE });
    await ground.client().call('CreateDeployment', {
      ...{ ...names, deploymentConfigName: 'long' },
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: appSpecOf(applicationName, {}) } },
    });
    await patiently(() => percentOfTwo(alias) === 30);
    let restarting: Promise<void> | null = null;
    const end = () => {
      ground.kill();
      restarting = ground.restart();
    };
    lambda.fault = ({ operation }) => {
      if (kill !== 'before' || operation !== 'UpdateAlias' || restarting !== null) return null;
      end();
      return 'hang up before';
    };
    lambda.carriedOut = ({ operation }) => {
      if (kill === 'after' && operation === 'UpdateAlias' && restarting === null) end();
    };
    const problems: string[] = [];
    try {
      await patiently(async () => {
        try {
          await ground.client().call('DeleteApplication', { applicationName });
          return true;
        } catch (error) {
          if (isAnswer(error)) throw error;
          return false;
        }
      });
      await restarting;
      if (kill !== null && restarting === null) problems.push('the server was not killed');
      if (percentOfTwo(alias) !== 0) problems.push(`the alias ends at ${percentOfTwo(alias)}`);
    } catch (error) {
      problems.push(String(error));
    } finally {
      lambda.fault = () => null;
      lambda.carriedOut = () => undefined;
    }
    const isSplitAtEnd = ![0, 100].includes(percentOfTwo(alias));
    report({ scenario: scenarioOf('Lambda', kill), problems, kills: restarting === null ? 0 : 1, isSplitAtEnd });
  }
};
