/** Scenarios of traffic that moves: deployments to a function and to a service, on small stand-ins of Lambda and ECS. */
import type { Page } from 'playwright-core';
import { GROUP, openEcsGround } from '../platforms/ecs-ground.ts';
import { APPLICATION, appSpecOf, openLambdaGround, ROLE } from '../platforms/lambda-ground.ts';
import { ecsAppSpec } from '../support/ecs-site.ts';
import { makeAlias } from '../support/lambda-stand-in.ts';
import { type ControlServer, SLIPWAY } from '../support/slipway.ts';
import { expect } from './expect.ts';
import { type Ground, signIn } from './ground.ts';
import { type Figures, lookAtDrawing } from './measures.ts';
import type { Scenario } from './scenarios.ts';
import { waitForEnd } from './steps.ts';

/** Shortest time between two steps of the traffic, in milliseconds. */
const LEAST_STEP_MS = 4_000;
/** A page is opened so often, or more, between two steps: how busy the machine is counts for both. */
const OPENINGS_A_STEP = 6;
/** How long a busy machine may take for a step of a deployment. */
const PATIENCE_MS = 120_000;
const PICTURE = { width: 1280, height: 1200 };
const SECTIONS = { steps: 'Steps of the traffic', phases: 'Phases of the deployment', course: 'Events of all targets' };

export function shiftScenarios(figures: Figures): readonly Scenario[] {
  return [
    {
      name: 'the traffic of a function is seen as it moves, step by step',
      run: (ground) => seeFunction(ground, figures),
    },
    {
      name: 'a service waits until somebody continues it, and again before its original tasks end',
      run: (ground) => seeService(ground, figures),
    },
  ];
}

async function seeFunction(ground: Ground, figures: Figures): Promise<void> {
  const stepMs = Math.max(LEAST_STEP_MS, Math.ceil(OPENINGS_A_STEP * (await timeOfOpening(ground))));
  await using lambda = await openLambdaGround({ folder: ground.scratch.at('lambda'), program: SLIPWAY }, [
    '--traffic-minute-ms',
    String(stepMs),
  ]);
  const client = lambda.client();
  makeAlias(lambda.lambda, 'checkout:live');
  lambda.lambda.functions.set('smoke-test', (event) => lambda.answer(event, 'Succeeded'));
  const trafficRoutingConfig = {
    type: 'TimeBasedLinear',
    timeBasedLinear: { linearPercentage: 34, linearInterval: 1 },
  } as const;
  const group = { applicationName: APPLICATION, deploymentGroupName: 'live', deploymentConfigName: 'thirds' };
  await client.call('CreateApplication', { applicationName: APPLICATION, computePlatform: 'Lambda' });
  await client.call('CreateDeploymentConfig', {
    ...{ deploymentConfigName: 'thirds', computePlatform: 'Lambda', trafficRoutingConfig },
  });
  await client.call('CreateDeploymentGroup', { ...group, serviceRoleArn: ROLE });
  const content = appSpecOf('checkout', { BeforeAllowTraffic: 'smoke-test' });
  const revision = { revisionType: 'AppSpecContent', appSpecContent: { content } } as const;
  const page = await openPage(ground, lambda.server());
  const { deploymentId: id = '' } = await client.call('CreateDeployment', { ...group, revision });
  await page.goto(`${lambda.server().url}/console/deployments/${id}`);
  const steps = page.getByRole('table', { name: SECTIONS.steps });
  await page.getByText('New version: 34 %. Old version: 66 %.').waitFor({ timeout: PATIENCE_MS });
  await steps.getByRole('row', { name: /68 % Next/ }).waitFor();
  await ground.picture(page, 'traffic', PICTURE);
  await page.getByRole('table', { name: SECTIONS.course }).getByText('smoke-test').waitFor();
  await page.getByText('Function checkout, alias live: from version 1 to 2').waitFor();
  await waitForEnd(page, 'Succeeded', PATIENCE_MS + OPENINGS_A_STEP * stepMs);
  await page.getByText('New version: 100 %. Old version: 0 %.').waitFor();
  expect((await steps.getByText('Taken').count()) === 3, 'a step is not shown as taken');
  await lookAtDrawing(page, 'a function', figures);
}

/** From an address to its page, in milliseconds. */
async function timeOfOpening(ground: Ground): Promise<number> {
  const { page } = await ground.signedIn(ground.admin);
  const from = performance.now();
  await page.goto(`${ground.server.url}/console/deployments`);
  await page.getByRole('heading', { name: 'Deployments', level: 1 }).waitFor();
  return performance.now() - from;
}

async function seeService(ground: Ground, figures: Figures): Promise<void> {
  await using ecs = await openEcsGround({ folder: ground.scratch.at('ecs'), program: SLIPWAY });
  await ecs.fresh('shop', {
    blueGreenDeploymentConfiguration: {
      deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 60 },
      terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 30 },
    },
  });
  const page = await openPage(ground, ecs.server());
  const { deploymentId: id = '' } = await ecs.client().call('CreateDeployment', {
    ...{ applicationName: 'shop', deploymentGroupName: GROUP },
    revision: { revisionType: 'AppSpecContent', appSpecContent: { content: ecsAppSpec(2) } },
  });
  await page.goto(`${ecs.server().url}/console/deployments/${id}`);
  const phases = page.getByRole('list').or(page.getByRole('group')).filter({ hasText: 'Wait for Continue' }).first();
  await phases.waitFor({ timeout: PATIENCE_MS });
  await page.getByText(/Ends by itself at .*, in (5\d min|1 h)/).waitFor();
  await lookAtDrawing(page, 'a service that waits', figures);
  await endWait(page, 'Continue');
  await page.getByRole('button', { name: 'End the wait' }).waitFor({ timeout: PATIENCE_MS });
  await page.getByText(/Ends by itself at .*, in (2\d|30) min/).waitFor();
  await ground.picture(page, 'phases', PICTURE);
  await endWait(page, 'End the wait');
  await waitForEnd(page, 'Succeeded', PATIENCE_MS);
  await page.getByText(/Green task set .* 100 % of the traffic/).waitFor();
}

async function openPage(ground: Ground, server: ControlServer): Promise<Page> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const { page } = await ground.visit({ reducedMotion: 'reduce' });
  await signIn(page, server.url, { accessKeyId, secretAccessKey });
  return page;
}

async function endWait(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
}
