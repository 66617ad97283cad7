/** Faults between a host and its server: a network that is cut, a server that is started anew. */
import { randomBytes } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import type { FleetMachine } from './fleet.ts';
import { clearNotes, hold, notesOf, release, SCRIPTED_EVENTS, untilIn, writeJob } from './revisions.ts';
import { controlIn, type FleetState, hostIn, JOB, mustHaveRunOnce, untilActive } from './state.ts';

const ROOT_DIR = '/opt/codedeploy-agent/deployment-root';
const MANY = 12_000;
/** Random, so that the bundle stays as large; at the slow speed it takes some seconds. */
const BUNDLE_BYTES = 12 * 2 ** 20;
const SLOW_MBIT = 20;
/** The one cut that is never shortened. */
const WHOLE_MINUTE_EVENT = 'AfterInstall';

/**
 * One deployment; in each of its events the host is cut off, and the event ends meanwhile.
 *
 * @param cutSeconds how long each cut lasts, but one, which lasts a minute
 */
export async function cutInEachEvent(state: FleetState, cutSeconds: number): Promise<string> {
  const host = hostIn(state, 1);
  const control = controlIn(state);
  const files: Record<string, string> = { 'large.bin': randomBytes(BUNDLE_BYTES).toString('base64') };
  for (let n = 0; n < MANY; n += 1) files[`many/${n % 100}/${n}`] = `${n}\n`;
  const folder = writeJob(state.server, 'cut', { destination: '/srv/cut', files });
  clearNotes(host);
  for (const event of SCRIPTED_EVENTS) hold(host, event);
  const cutFor = async (seconds: number, meanwhile: () => void = () => undefined) => {
    host.place.cut();
    meanwhile();
    await delay(seconds * 1000);
    host.place.mend();
  };
  const begin = performance.now();
  const id = await control.begin(folder, JOB, host.name);
  for (const event of ['ApplicationStop', 'DownloadBundle', 'BeforeInstall', 'Install', ...AFTER_INSTALL]) {
    const seconds = event === WHOLE_MINUTE_EVENT ? 60 : cutSeconds;
    if (event === 'ApplicationStop') host.place.slowDown(SLOW_MBIT);
    if (event === 'DownloadBundle') {
      await eventually(() => isDownloading(host), { everyMs: 10 });
      host.place.fullSpeed();
      await cutFor(seconds);
    } else if (event === 'Install') {
      await eventually(() => existsSync(host.at(`${ROOT_DIR}/.slipway/install-lock`)), { everyMs: 5 });
      await cutFor(seconds);
    } else {
      await untilIn(host, event);
      await cutFor(seconds, () => release(host, event));
    }
  }
  await control.ended(id, 'Succeeded');
  mustHaveRunOnce(notesOf(host, 'ended'), SCRIPTED_EVENTS);
  const taken = ((performance.now() - begin) / 1000).toFixed(0);
  return `cut for ${cutSeconds} s in each event, in ${WHOLE_MINUTE_EVENT} for 60 s; the deployment took ${taken} s`;
}

const AFTER_INSTALL = SCRIPTED_EVENTS.filter((event) => event !== 'ApplicationStop' && event !== 'BeforeInstall');

function isDownloading(host: FleetMachine): boolean {
  return globSync(join(host.at(ROOT_DIR), '*/*/bundle.tar*')).length > 0;
}

/** The server is restarted in good order, then killed, while scripts run on all hosts: their events are reported anyway. */
export async function serverRestarted(state: FleetState): Promise<void> {
  const { hosts, server } = state;
  const control = controlIn(state);
  for (const how of ['systemctl restart slipway-server', 'systemctl kill --signal=KILL slipway-server']) {
    clearNotes(...hosts);
    for (const host of hosts) hold(host, 'AfterInstall');
    const folder = writeJob(server, `server-${how.includes('KILL') ? 'killed' : 'restarted'}`);
    const id = await control.begin(`${folder} --config CodeDeployDefault.AllAtOnce`, JOB, 'all');
    for (const host of hosts) await untilIn(host, 'AfterInstall');
    const before = serverPid(server);
    server.machine.run(how);
    for (const host of hosts) release(host, 'AfterInstall');
    await eventually(() => serverPid(server) !== before && serverPid(server) !== '0', { everyMs: 100 });
    await untilActive(server, 'slipway-server');
    await control.ended(id, 'Succeeded');
    for (const host of hosts) mustHaveRunOnce(notesOf(host, 'ended'), SCRIPTED_EVENTS);
  }
}

function serverPid({ machine }: FleetMachine): string {
  return machine.run('systemctl show --property=MainPID --value slipway-server');
}
