/** Traffic that is left divided: the look at it, and what the doctor says. */
import { expect, test } from 'vitest';
import { lookAtTraffic } from '../../../src/cli/doctor/server/traffic.ts';
import { silentLogger } from '../../../src/logging/logger.ts';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import { insertApplication } from '../../../src/server/store/applications.ts';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import { insertTargets } from '../../../src/server/store/targets.ts';
import { lookAtDivided } from '../../../src/server/work/watch-divided.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { newDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const alias = { functionName: 'shop', functionAlias: 'live', currentVersion: '1', targetVersion: '2' };
const service = {
  ...{ cluster: 'main', service: 'web', greenOf: 'd-2', blueId: 'ecs-svc/1', testListener: null },
  ...{ blueGroup: { name: 'a', arn: 'arn-a' }, greenGroup: { name: 'b', arn: 'arn-b' } },
  productionListener: 'arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/front/1/2',
  taskSets: [{ label: 'Green', targetGroup: 'b', trafficWeight: 40 }],
};

describeStores('traffic that is left divided', (kind) => {
  test('is named by the doctor with its remedy until a look shows that somebody has put it right', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await store.transaction(async (tx) => {
      const application = { application_id: 'x', application_name: 'x', created_at_ms: 0 } as const;
      await insertApplication(tx, { ...application, compute_platform: 'Lambda' });
      for (const [id, details] of [
        ['d-1', { ...alias, targetVersionWeight: 30 }],
        ['d-2', service],
      ] as const) {
        const row = { ...newDeployment(id), application_id: 'x', deployment_group_id: id, created_at_ms: 1 };
        await insertDeployment(tx, { ...row, status: 'Stopped', completed_at_ms: 2 });
        await insertTargets(tx, [
          {
            ...{ deployment_id: id, instance_id: `of ${id}`, host_arn: '', target_id: id, target_arn: id, position: 0 },
            ...{ was_current: 0, status: 'Failed', updated_at_ms: 2, details_json: JSON.stringify(details) },
          },
        ]);
      }
    });
    const told = async () => (await lookAtTraffic(store)).map(({ detail, remedy }) => `${detail} ${remedy}`).sort();
    const [first = '', second = ''] = await told();
    expect(first).toMatch(/alias live of shop is left divided: 30 % to version 2.*d-1.*aws lambda update-alias/s);
    expect(second).toMatch(/traffic of web is left divided: 40% to b.*d-2.*Deploy to it/s);

    let weights: Record<string, number> = { '2': 60 };
    const away = new AwsFault('DescribeListeners', { trouble: 'away', code: '', answer: 'no answer' });
    const ctx = {
      ...{ store, clock: systemClock, log: silentLogger },
      functions: { alias: async () => ({ functionArn: 'f', functionVersion: '1', weights, revisionId: 'r' }) },
      services: {
        ...{ store, clock: systemClock },
        callsIn: () => ({ ecs: {}, listeners: { route: () => Promise.reject(away) } }) as never,
      },
    };
    await lookAtDivided(ctx, new AbortController().signal);
    // What AWS does not answer about stays as it was seen last.
    expect(await told()).toEqual([expect.stringContaining('60 % to version 2'), second]);
    weights = {};
    await lookAtDivided(ctx, new AbortController().signal);
    expect(await told()).toEqual([second]);
  });
});
