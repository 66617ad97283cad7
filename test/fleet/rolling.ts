/** A web service behind HAProxy gets a new version while clients ask without a pause. */
import { startLoad } from '../balancers/load.ts';
import { writeShop } from './revisions.ts';
import { FRONT_SOCKET, setUpBalancer } from './set-up.ts';
import { controlIn, type FleetState, must } from './state.ts';

export const SHOP = { application: 'shop', group: 'web' };
const CLIENTS = 20;

export async function rollingDeployment(state: FleetState): Promise<string> {
  const { server } = state;
  const { slipway, deploy } = controlIn(state);
  await setUpBalancer(state);
  await slipway(`applications create ${SHOP.application}`);
  const settings =
    '--tag Role=web --load-balancers front --config CodeDeployDefault.OneAtATime --auto-rollback failure';
  await slipway(`groups create ${SHOP.group} --application ${SHOP.application} ${settings}`);
  await deploy(writeShop(server, 'one'), SHOP.application, SHOP.group);
  const load = startLoad(server.at(FRONT_SOCKET), CLIENTS);
  try {
    await deploy(writeShop(server, 'two'), SHOP.application, SHOP.group);
  } finally {
    await load.stop();
  }
  const counts = `${load.requests} requests, ${load.failed} failed ${[...load.faults].join(', ')}`.trimEnd();
  must(load.failed === 0 && load.requests > 1_000, counts);
  return counts;
}
