import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { planWithoutServer } from '../../src/cli/traffic-plan.ts';
import { plannedCallLines } from '../../src/cli/view/traffic-plan.ts';
import { ecsAppSpec } from '../support/ecs-site.ts';
import { appSpec } from '../support/lambda-world.ts';
import { scratchFolder } from '../support/scratch.ts';

test('the plan of a canary has each call in its order, with the minute of each shift', () => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('appspec.json'), appSpec({ BeforeAllowTraffic: 'before', AfterAllowTraffic: 'hook:smoke' }));
  const ctx = { workingDirectory: scratch.path };
  const calls = planWithoutServer(ctx, 'appspec.json', 'CodeDeployDefault.LambdaCanary10Percent5Minutes');
  expect(plannedCallLines(calls)).toEqual([
    'before                            GetAlias shop:live, which must have version 1 and no other',
    'BeforeAllowTraffic                Invoke before',
    'AllowTraffic           +0 min     UpdateAlias shop:live version 1, 10 % to version 2',
    'AllowTraffic           +5 min     GetProvisionedConcurrencyConfig shop:2',
    'AllowTraffic           +5 min     GetProvisionedConcurrencyConfig shop:live',
    'AllowTraffic           +5 min     UpdateAlias shop:live version 2',
    'AfterAllowTraffic                 the hook smoke of the server’s file',
  ]);
});

test('a configuration for hosts, and a file for hosts or for ECS, have no plan of a function', () => {
  using scratch = scratchFolder();
  const ctx = { workingDirectory: scratch.path };
  writeFileSync(scratch.at('lambda.json'), appSpec());
  writeFileSync(scratch.at('other.yml'), 'version: 0.0\nos: linux\n');
  expect(() => planWithoutServer(ctx, 'lambda.json', 'CodeDeployDefault.OneAtATime')).toThrow(
    'no predefined configuration of Lambda',
  );
  expect(() => planWithoutServer(ctx, 'other.yml', 'CodeDeployDefault.LambdaAllAtOnce')).toThrow(
    'no AppSpec file for Lambda',
  );
  writeFileSync(scratch.at('ecs.json'), ecsAppSpec(2));
  expect(() => planWithoutServer(ctx, 'ecs.json', 'CodeDeployDefault.ECSAllAtOnce')).toThrow('is for ECS');
});
