import { describe, expect, test } from 'vitest';
import type { TargetRecord } from '../../src/cli/view/records.ts';
import { trafficOf, waitForDeployment } from '../../src/cli/view/wait.ts';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { manualClock } from '../support/clock.ts';

const target = (...events: readonly (readonly [string, string])[]): TargetRecord => ({
  ...{ targetId: 'shop', status: 'InProgress' },
  lifecycleEvents: events.map(([lifecycleEventName, status]) => ({ lifecycleEventName, status })),
});

describe('traffic of a deployment', () => {
  test('has moved once AllowTraffic has succeeded on every target', () => {
    const moved = target(['AllowTraffic', 'Succeeded'], ['AfterAllowTraffic', 'InProgress']);
    expect(trafficOf([moved])).toBe('moved');
    expect(trafficOf([moved, target(['AllowTraffic', 'InProgress'])])).toBe('moves');
  });

  test('is waited for while the targets are not known, and is none where no event moves any', () => {
    expect(trafficOf([])).toBe('moves');
    expect(trafficOf([target(['Install', 'Succeeded'])])).toBe('none');
  });
});

test('a deployment that ends before its traffic has moved fails the wait with its reason', async () => {
  const errorInformation = { code: 'HOOK_EXECUTION_FAILURE', message: 'no answer' };
  const call = async () => ({ deploymentInfo: { status: 'Failed', errorInformation } });
  const client = { call } as unknown as ManagementClient;
  const { signal } = new AbortController();
  const came = await waitForDeployment({ client, clock: manualClock(), interrupted: signal }, 'd-1', 'traffic');
  expect(came).toEqual({ isReached: false, words: 'd-1: Failed HOOK_EXECUTION_FAILURE: no answer' });
});
