import type { ScratchFolder } from '../support/scratch.ts';
import { type LoadReport, onGround, type StartBalancer } from './ground.ts';

const ORIGINAL = { tag: 'Fleet=a', isKnown: true };
const REPLACEMENT = { tag: 'Fleet=b', isKnown: false };
const HOSTS = { 'web-1': ORIGINAL, 'web-2': ORIGINAL, 'web-3': REPLACEMENT, 'web-4': REPLACEMENT };

/**
 * Two hosts behind one balancer and two that replace them, all under load. One deployment is stopped once traffic has moved, so that it
 * goes back, and one goes through.
 */
export async function runBlueGreenDeployments(
  scratch: ScratchFolder,
  start: StartBalancer,
  report: (load: LoadReport) => void,
): Promise<void> {
  await onGround(scratch, start, HOSTS, async ({ slipway, deploy, underLoad, untilRolledBack }) => {
    const ofGroup = ['--load-balancers', 'front', '--config', 'CodeDeployDefault.HalfAtATime'];
    await slipway(['groups', 'create', 'web', '--application', 'shop', '--tag', 'Fleet=a', ...ofGroup]);
    await deploy('first', { isGood: true });
    const waits = ['--ready-wait', 'none', '--original', 'terminate', '--termination-wait', '60'];
    await slipway(['groups', 'update', 'shop/web', '--blue-green', ...waits]);
    const newestWaits = async () => {
      const [newest] = JSON.parse(await slipway(['deployments', 'list', '--json'])) as Newest[];
      return newest?.instanceTerminationWaitTimeStarted === true ? (newest.deploymentId ?? null) : null;
    };
    const moveTraffic = async (version: string) => {
      await deploy(version, { isGood: true, flags: ['--green-tag', 'Fleet=b', '--no-follow'] });
      for (;;) {
        const id = await newestWaits();
        if (id !== null) return id;
      }
    };
    report(
      await underLoad('blue/green, traffic led back', async () => {
        const id = await moveTraffic('second');
        await slipway(['deployments', 'stop', id, '--rollback']);
        await untilRolledBack();
      }),
    );
    report(
      await underLoad('blue/green', async () => {
        const id = await moveTraffic('third');
        await slipway(['deployments', 'continue', id, '--termination']);
        await slipway(['deployments', 'follow', id]);
      }),
    );
  });
}

interface Newest {
  readonly deploymentId?: string;
  readonly instanceTerminationWaitTimeStarted?: boolean;
}
