/** Cost of a fleet that has nothing to do: its long polls, and their renewals. */
import { systemClock } from '../../src/system/clock.ts';
import type { Figure } from '../bench/figures.ts';
import { startFleet } from './fleet.ts';
import { type GroundRequest, prepareGround } from './ground.ts';
import { cpuMs, residentKb } from './process-cost.ts';

/** So many hosts come first, so that what the server loads once is not counted as theirs. */
const WARM_HOSTS = 50;
const SETTLE_MS = 3_000;

/** @param request windowMs how long the CPU is measured; longer than a poll is held, so that each is renewed once */
export async function* idleFigures(request: GroundRequest & { readonly windowMs: number }): AsyncGenerator<Figure> {
  await using ground = await prepareGround({ ...request, hosts: request.hosts + WARM_HOSTS });
  const { pid } = ground.server.daemon;
  await using _warm = await startFleet(ground.wire, ground.hosts.slice(0, WARM_HOSTS));
  await systemClock.sleep(SETTLE_MS);
  const emptyKb = residentKb(pid);
  await using _fleet = await startFleet(ground.wire, ground.hosts.slice(WARM_HOSTS));
  await systemClock.sleep(SETTLE_MS);
  const [beganMs, beganCpuMs] = [performance.now(), cpuMs(pid)];
  await systemClock.sleep(request.windowMs);
  const percent = ((cpuMs(pid) - beganCpuMs) / (performance.now() - beganMs)) * 100;
  const how = `${request.hosts} hosts long-polling over ${request.https ? 'https' : 'http'}`;
  const rest = { floor: null, ratio: null };
  yield { name: `${how}, CPU of one core`, value: percent, unit: '%', ...rest, goal: 3 };
  const kbEach = (residentKb(pid) - emptyKb) / request.hosts;
  yield { name: `${how}, memory of each`, value: kbEach, unit: 'KB', ...rest, goal: request.https ? 80 : 30 };
}
