/**
 * Hooks without Lambda on a real server that is killed (SIGKILL) while it calls one. A webhook is called again, a program only where the file
 * says so. Then stops while a hook is waited for.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { type Answer, answeringServer } from '../support/http-server.ts';
import { type HookEvent, makeAlias, percentOfTwo } from '../support/lambda-stand-in.ts';
import { APPLICATION, appSpecOf, type LambdaGround, openLambdaGround, ROLE } from './lambda-ground.ts';
import type { RunScenarios } from './scenario.ts';

const CUT_OFF = 'was under way when its server ended';
/** A server looks once in 15 seconds whether a call is still wanted, and a program has 5 to end. */
const ENDED_WITHIN_MS = 40_000;

export const runHooks: RunScenarios = async (site, report) => {
  const { folder } = site;
  let answer: (event: HookEvent) => Promise<Answer> | Answer = () => ({});
  const asked: HookEvent[] = [];
  await using receiver = await answeringServer(({ body }) => {
    const event = JSON.parse(body.toString()) as HookEvent;
    asked.push(event);
    return answer(event);
  });
  const [runs, go] = [join(folder, 'runs'), join(folder, 'go')];
  const command = ['/bin/sh', '-c', `echo $$ >> ${runs}; until test -e ${go}; do sleep 0.1; done`];
  const hooks = {
    check: { kind: 'webhook', url: receiver.url, secret: '0123456789abcdef' },
    once: { kind: 'program', command },
    again: { kind: 'program', command, mayRunAgain: true },
  };
  writeFileSync(join(folder, 'hooks.json'), JSON.stringify(hooks));
  await using ground = await openLambdaGround(site, ['--hooks', join(folder, 'hooks.json')]);
  await ground.client().call('CreateApplication', { applicationName: APPLICATION, computePlatform: 'Lambda' });
  const pids = () =>
    readFileSync(runs, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  let number = 0;
  const scenario = async (what: string, hook: keyof typeof hooks, check: Check, kills: 0 | 1) => {
    number += 1;
    asked.length = 0;
    writeFileSync(runs, '');
    rmSync(go, { force: true });
    const name = `fn-${number}`;
    const alias = makeAlias(ground.lambda, `${name}:live`);
    const problems = await deploy(ground, name, hook)
      .then((deploymentId) => check({ deploymentId, weight: () => percentOfTwo(alias) }))
      .catch((error: unknown) => [String(error)]);
    report({ scenario: `Hooks: ${what}`, problems, kills, isSplitAtEnd: ![0, 100].includes(percentOfTwo(alias)) });
  };
  const kill = async () => {
    ground.kill();
    await ground.restart();
  };
  const isRunning = () => eventually(() => pids().length > 0);
  const awaited = (id: string) => eventually(() => isAwaited(ground, id));

  answer = async () => {
    if (asked.length > 1) return { body: '{"status":"Succeeded"}' };
    await kill();
    throw new Error('hang up');
  };
  await scenario(
    'a webhook is called again with the same id when its server was killed during the call',
    'check',
    async ({ deploymentId, weight }) => {
      const { status } = await ground.ended(deploymentId);
      const ids = new Set(asked.map(({ LifecycleEventHookExecutionId: id }) => id));
      return unlike({ status, calls: asked.length, ids: ids.size, weight: weight() }, ['Succeeded', 2, 1, 100]);
    },
    1,
  );

  answer = () => ({ status: 202 });
  await scenario(
    'a webhook that answers later is not called again after a kill, and its answer counts',
    'check',
    async ({ deploymentId, weight }) => {
      await awaited(deploymentId);
      await kill();
      await ground.answer(asked[0] as HookEvent, 'Succeeded');
      const { status } = await ground.ended(deploymentId);
      return unlike({ status, calls: asked.length, weight: weight() }, ['Succeeded', 1, 100]);
    },
    1,
  );

  await scenario(
    'a program whose server was killed fails its event at once, and is not run again',
    'once',
    async ({ deploymentId, weight }) => {
      await isRunning();
      await kill();
      const { status, errorInformation } = await ground.ended(deploymentId);
      writeFileSync(go, '');
      const isTold = errorInformation?.message?.includes(CUT_OFF) === true;
      return unlike({ status, isTold, runs: pids().length, weight: weight() }, ['Failed', true, 1, 0]);
    },
    1,
  );

  await scenario(
    'a program that may run again is run again after a kill',
    'again',
    async ({ deploymentId, weight }) => {
      await isRunning();
      await kill();
      await eventually(() => pids().length === 2);
      writeFileSync(go, '');
      const { status } = await ground.ended(deploymentId);
      return unlike({ status, runs: pids().length, weight: weight() }, ['Succeeded', 2, 100]);
    },
    1,
  );

  await scenario(
    'a stop without a rollback waits for the answer of a hook, and nothing follows it',
    'check',
    async ({ deploymentId, weight }) => {
      await awaited(deploymentId);
      await ground.client().call('StopDeployment', { deploymentId, autoRollbackEnabled: false });
      const before = (await ground.info(deploymentId)).status;
      await ground.answer(asked[0] as HookEvent, 'Succeeded');
      const { status } = await ground.ended(deploymentId);
      return unlike({ before, status, weight: weight() }, ['InProgress', 'Stopped', 0]);
    },
    0,
  );

  await scenario(
    'a stop with a rollback does not wait for a program, which is ended',
    'once',
    async ({ deploymentId, weight }) => {
      await isRunning();
      await ground.client().call('StopDeployment', { deploymentId, autoRollbackEnabled: true });
      const { status } = await ground.ended(deploymentId);
      const [pid = ''] = pids();
      const isAlive = existsSync(`/proc/${pid}`);
      await eventually(() => !existsSync(`/proc/${pid}`), { withinMs: ENDED_WITHIN_MS });
      return unlike({ status, isAlive, weight: weight() }, ['Stopped', true, 0]);
    },
    0,
  );
};

interface Made {
  readonly deploymentId: string;
  /** Percent of the traffic that the new version gets. */
  readonly weight: () => number;
}

/** @returns what is wrong */
type Check = (made: Made) => Promise<readonly string[]>;

async function deploy(ground: LambdaGround, name: string, hook: string): Promise<string> {
  const group = { applicationName: APPLICATION, deploymentGroupName: name };
  await ground.client().call('CreateDeploymentGroup', { ...group, serviceRoleArn: ROLE });
  const content = appSpecOf(name, { BeforeAllowTraffic: `hook:${hook}` });
  const { deploymentId = '' } = await ground.client().call('CreateDeployment', {
    ...group,
    revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
  });
  return deploymentId;
}

async function isAwaited(ground: LambdaGround, deploymentId: string): Promise<boolean> {
  if ((await ground.info(deploymentId)).status !== 'InProgress') return false;
  const { targetIds = [] } = await ground.client().call('ListDeploymentTargets', { deploymentId });
  const { deploymentTargets = [] } = await ground
    .client()
    .call('BatchGetDeploymentTargets', { deploymentId, targetIds });
  const events = deploymentTargets[0]?.lambdaTarget?.lifecycleEvents ?? [];
  return events.some(({ diagnostics }) => diagnostics?.message?.includes('is waited for') === true);
}

/** Names the values that are not as they should be. */
function unlike(seen: Readonly<Record<string, unknown>>, wanted: readonly unknown[]): readonly string[] {
  return Object.entries(seen).flatMap(([name, value], index) =>
    value === wanted[index] ? [] : [`${name} is ${JSON.stringify(value)} and not ${JSON.stringify(wanted[index])}`],
  );
}
