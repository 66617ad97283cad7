/** Hosts that change: one is replaced, one loses the package, one has another release of Debian. */
import { existsSync } from 'node:fs';
import { CannotRun } from '../support/run-checks.ts';
import { baseSystem } from '../systemd/base-system.ts';
import { bootFleetMachine } from './fleet.ts';
import { clearNotes, notesOf, SCRIPTED_EVENTS, SERVICE_PORT, writeJob } from './revisions.ts';
import { SHOP } from './rolling.ts';
import { enrol, tellBalancer } from './set-up.ts';
import { controlIn, type FleetState, hostIn, JOB, must, mustHaveRunOnce, untilActive } from './state.ts';

const NEW_NUMBER = 23;
const OTHER_RELEASE_NUMBER = 14;

/** A new machine takes the name of one that still runs: it alone gets deployments from then on. */
export async function replacedHost(state: FleetState): Promise<string> {
  const { hosts, ground, server } = state;
  const { slipway, deploy } = controlIn(state);
  const old = hostIn(state, 2);
  const { name } = old;
  const host = state.own(await bootFleetMachine(ground, { name, number: NEW_NUMBER }));
  host.machine.run('dpkg --install /slipway.deb');
  const made = await slipway(`server tokens create --instance-name ${name} --take-over --json`);
  const { token } = JSON.parse(made) as { token: string };
  must(
    host.machine.ask(
      `echo ${token} | slipway register --server https://deploy.example.com:8400 --instance-name ${name} --token-file -`,
    ) === null,
    'a host of the same name took the other’s place unasked',
  );
  enrol(host, token, '--force');
  await untilActive(host);
  hosts[2] = host;
  await slipway(`hosts update ${name} --tag Address=${host.place.address}`);
  tellBalancer(state);
  clearNotes(old);
  await deploy(writeJob(server, 'replaced'), JOB, name);
  mustHaveRunOnce(
    notesOf(host, 'ended'),
    SCRIPTED_EVENTS.filter((event) => event !== 'ApplicationStop'),
  );
  must(notesOf(old, 'begun').length === 0, 'the old machine still gets deployments');
  const said = old.machine.run('slipway status; true');
  must(/KEY DISABLED|disabled/.test(said), said);
  await old[Symbol.asyncDispose]();
  return 'the old machine’s agent says that its key was disabled';
}

/** Removal and purge: applications run on, data stay, the server goes on without the host. */
export async function uninstallAndPurge(state: FleetState): Promise<void> {
  const { server } = state;
  const control = controlIn(state);
  const host = hostIn(state, 1);
  const { machine } = host;
  const answers = `/usr/local/bin/node -e 'fetch("http://127.0.0.1:${SERVICE_PORT}/").then((answer) => process.exit(answer.ok ? 0 : 1))'`;
  machine.run('dpkg --remove slipway');
  must(machine.ask('pgrep -f slipway-node') === null, 'a process of the program runs on');
  must(machine.ask('command -v slipway') === null && !existsSync(host.at('/usr/lib/slipway')), 'files are left');
  must(existsSync(host.at('/etc/codedeploy-agent/conf/codedeployagent.yml')), 'a removal took the configuration');
  machine.run(answers);
  machine.run('dpkg --purge slipway');
  must(!existsSync(host.at('/etc/codedeploy-agent/conf/codedeployagent.yml')), 'a purge left the configuration');
  must(existsSync(host.at('/opt/codedeploy-agent/deployment-root')), 'a purge took what was deployed');
  must(machine.ask('systemctl cat slipway-agent') === null, 'systemd still knows the service');
  machine.run(answers);
  await control.slipway(`hosts deregister ${host.name}`);
  const shown = await control.deploy(writeJob(server, 'without'), JOB, 'all');
  must(shown.targets.length === state.hosts.length - 1, JSON.stringify(shown.targets));
  // Once more from the beginning, as a machine that is used again.
  machine.run('dpkg --install /slipway.deb');
  const { token } = JSON.parse(
    await control.slipway(
      `server tokens create --tag Role=web --tag Address=${host.place.address} --tag Only=${host.name} --instance-name ${host.name} --take-over --json`,
    ),
  ) as { token: string };
  enrol(host, token, '--force');
  await untilActive(host);
  await control.deploy('/root/shop-two', SHOP.application, SHOP.group);
}

/** A host with the next release of Debian takes part like the others. */
export async function otherRelease(state: FleetState): Promise<string> {
  const { ground, server } = state;
  const { slipway, deploy } = controlIn(state);
  try {
    baseSystem('trixie');
  } catch (error) {
    throw new CannotRun(`debootstrap does not get Debian 13: ${String(error)}`);
  }
  const name = 'web-4';
  const host = state.own(await bootFleetMachine(ground, { name, number: OTHER_RELEASE_NUMBER, release: 'trixie' }));
  host.machine.run('dpkg --install /slipway.deb');
  const made = await slipway(`server tokens create --tag Only=${name} --json`);
  enrol(host, (JSON.parse(made) as { token: string }).token);
  await untilActive(host);
  await slipway(`groups create ${name} --application ${JOB} --tag Only=${name}`);
  await deploy(writeJob(server, 'trixie'), JOB, name);
  await host.machine.reboot();
  await untilActive(host);
  await deploy(writeJob(server, 'trixie-again'), JOB, name);
  const doctor = host.machine.run('slipway doctor; true');
  must(/\n0 faults, /.test(doctor), doctor);
  const release = host.machine.run('. /etc/os-release && echo "$PRETTY_NAME"');
  host.machine.run('dpkg --purge slipway');
  must(!existsSync(host.at('/usr/lib/slipway')), 'files are left');
  return `${release}, ${host.machine.run('systemctl --version | head -n 1')}`;
}
