import type { ScratchFolder } from '../support/scratch.ts';
import { type LoadReport, onGround, type StartBalancer } from './ground.ts';

const WEB = { tag: 'Role=web', isKnown: true };
const HOSTS = Object.fromEntries(['web-1', 'web-2', 'web-3', 'web-4'].map((name) => [name, WEB]));

/** Four hosts behind one balancer: a rolling deployment under load, and one that fails and is rolled back. */
export async function runRollingDeployments(
  scratch: ScratchFolder,
  start: StartBalancer,
  report: (load: LoadReport) => void,
): Promise<void> {
  await onGround(scratch, start, HOSTS, async ({ slipway, deploy, underLoad, untilRolledBack }) => {
    const group = ['groups', 'create', 'web', '--application', 'shop', '--tag', 'Role=web'];
    const settings = ['--load-balancers', 'front', '--config', 'CodeDeployDefault.HalfAtATime'];
    await slipway([...group, ...settings, '--auto-rollback', 'failure']);
    await deploy('first', { isGood: true });
    report(await underLoad('rolling deployment', () => deploy('second', { isGood: true })));
    report(
      await underLoad('rollback', async () => {
        await deploy('third', { isGood: false });
        await untilRolledBack();
      }),
    );
  });
}
