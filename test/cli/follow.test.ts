import { describe, expect, test } from 'vitest';
import { followDeployment } from '../../src/cli/view/follow.ts';
import { createManagementClient } from '../../src/protocol/management/client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { capturedContext } from '../support/cli-context.ts';
import { answeringServer } from '../support/http-server.ts';

/** Follows a deployment on a server of which each look at the deployment finds what is told; `away` hangs up. */
async function follow(looks: (index: number) => 'InProgress' | 'Succeeded' | 'away') {
  let looked = 0;
  await using server = await answeringServer(({ headers }) => {
    if (!headers['x-amz-target']?.endsWith('.GetDeployment'))
      return { status: 400, body: '{"__type":"DeploymentNotStartedException"}' };
    looked += 1;
    const status = looks(looked - 1);
    if (status === 'away') throw new Error('away');
    return { body: JSON.stringify({ deploymentInfo: { deploymentId: 'd-1', status } }) };
  });
  const { stdout, interrupted, printed } = capturedContext();
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const client = createManagementClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
    clock: systemClock,
  });
  const ended = await followDeployment({ client, clock, stdout, interrupted }, 'd-1', 'plain');
  return { ended, printed: printed() };
}

describe('a deployment that is followed', () => {
  test('is followed on when the server is back from a restart', async () => {
    const followed = await follow((index) => (index === 0 ? 'InProgress' : index < 6 ? 'away' : 'Succeeded'));
    expect(followed.ended).toMatchObject({ status: 'Succeeded' });
    expect(followed.printed).toBe('d-1: Succeeded\n');
  });

  test('is given up when the server stays away, or was never there', async () => {
    const unreachable = expect.objectContaining({ code: 'SERVER_UNREACHABLE' });
    await expect(follow((index) => (index === 0 ? 'InProgress' : 'away'))).rejects.toEqual(unreachable);
    let looked = 0;
    await expect(
      follow(() => {
        looked += 1;
        return 'away';
      }),
    ).rejects.toEqual(unreachable);
    expect(looked).toBe(1);
  });
});
