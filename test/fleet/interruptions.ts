/** A host that is rebooted, upgraded or stopped while it is at work. */
import { existsSync, readdirSync } from 'node:fs';
import { eventually } from '../support/eventually.ts';
import { makeNextPackage } from '../support/next-package.ts';
import { failureOf } from './control.ts';
import { clearNotes, hold, notesOf, release, SCRIPTED_EVENTS, untilIn, writeJob } from './revisions.ts';
import { agentPid, controlIn, type FleetState, hostIn, JOB, must, mustHaveRunOnce, untilActive } from './state.ts';

/** Where the agent keeps the lock of an Install while it runs. */
const INSTALL_LOCK = '/opt/codedeploy-agent/deployment-root/.slipway/install-lock';

/** The host whose turn has not come is restarted: nothing is lost, and the deployment succeeds. */
export async function rebootBetweenEvents(state: FleetState): Promise<void> {
  const { hosts, server } = state;
  const control = controlIn(state);
  clearNotes(...hosts);
  for (const host of hosts) hold(host, 'BeforeInstall');
  const id = await control.begin(writeJob(server, 'reboot-idle'), JOB, 'all');
  await eventually(() => hosts.some((host) => notesOf(host, 'begun').includes('BeforeInstall')), { everyMs: 50 });
  const idle = hosts.find((host) => !notesOf(host, 'begun').includes('BeforeInstall'));
  must(idle !== undefined, 'all hosts are at work at the same time');
  await idle.machine.reboot();
  for (const host of hosts) release(host, 'BeforeInstall');
  await control.ended(id, 'Succeeded');
  for (const host of hosts) mustHaveRunOnce(notesOf(host, 'ended'), SCRIPTED_EVENTS);
}

/** The host that runs a script is restarted: the event is reported as failed, the service comes back, and the next deployment succeeds. */
export async function rebootInHook(state: FleetState): Promise<string> {
  const host = hostIn(state, 1);
  const control = controlIn(state);
  clearNotes(host);
  hold(host, 'AfterInstall');
  const id = await control.begin(writeJob(state.server, 'reboot-busy'), JOB, host.name);
  await untilIn(host, 'AfterInstall');
  await host.machine.reboot();
  const shown = await control.ended(id, 'Failed');
  const { message } = failureOf(shown);
  must(/signal|SIG|restart/i.test(message), message);
  release(host, 'AfterInstall');
  await untilActive(host, 'shop');
  await control.deploy(writeJob(state.server, 'after-reboot'), JOB, host.name);
  return `reported as: ${message}`;
}

/** The agent is upgraded while it runs a script: dpkg waits for nobody, the script ends, its event is reported, the new agent goes on. */
export async function upgradeInHook(state: FleetState): Promise<void> {
  const host = hostIn(state, 0);
  const control = controlIn(state);
  makeNextPackage(host.at('/slipway.deb'), host.at('/next.deb'));
  clearNotes(host);
  hold(host, 'AfterInstall');
  const before = agentPid(host);
  const id = await control.begin(writeJob(state.server, 'upgrade'), JOB, host.name);
  await untilIn(host, 'AfterInstall');
  await host.machine.runBeside('dpkg --install /next.deb');
  const isStopping = () => host.machine.ask('systemctl show -P ActiveState slipway-agent') === 'deactivating';
  await eventually(isStopping, { everyMs: 50 });
  must(agentPid(host) === before, 'the agent is another one although its script runs');
  release(host, 'AfterInstall');
  await control.ended(id, 'Succeeded');
  mustHaveRunOnce(notesOf(host, 'ended'), SCRIPTED_EVENTS);
  await untilActive(host);
  const program = host.machine.run(`readlink /proc/${agentPid(host)}/exe`);
  must(program.includes('-next/'), `the agent that runs is ${program}`);
}

const MANY = 12_000;

/**
 * `systemctl stop` comes in the middle of an Install. The tree is whole when the agent has ended, and the deployment goes on with the next
 * start.
 */
export async function stopInInstall(state: FleetState): Promise<string> {
  const host = hostIn(state, 2);
  const control = controlIn(state);
  const content = Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`many/${n % 100}/${n}`, `${n}\n`]));
  const folder = writeJob(state.server, 'many', { destination: '/srv/many', files: content });
  const id = await control.begin(folder, JOB, host.name);
  await eventually(() => existsSync(host.at(INSTALL_LOCK)), { everyMs: 5 });
  await host.machine.runBeside('systemctl stop slipway-agent');
  const log = host.machine.run('journalctl --no-pager --output=cat -u slipway-agent | tail -n 20');
  const [stop, end] = [log.search(/stop/i), log.search(/Install succeeded/)];
  must(stop >= 0 && end > stop, `the stop did not come in the middle of Install:\n${log}`);
  const files = readdirSync(host.at('/srv/many/many'), { recursive: true, withFileTypes: true });
  const count = files.filter((entry) => entry.isFile()).length;
  must(count === MANY, `${count} of ${MANY} files are there`);
  host.machine.run('systemctl start slipway-agent');
  await control.ended(id, 'Succeeded');
  return `${MANY} files`;
}
