/**
 * `npm run test:fleet -- --json`: a server and three hosts, each a Debian with a systemd of its own. The package sets them up, and an operator's
 * commands drive them through what happens to real machines.
 *
 * Prints a line a scenario; the last line is `{"passed":…,"failed":…,"skipped":…}`. Where it cannot run, it names each scenario as skipped, with the
 * reason. It ends with 0 then, or with 1 with `--required`. `--only TEXT` runs the set-up, and the scenarios whose name holds the text.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../src/system/programs.ts';
import { anyText, flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { type Check, runChecks } from '../support/run-checks.ts';
import { scratchFolder } from '../support/scratch.ts';
import { smallFileSystem } from '../support/small-file-system.ts';
import { obstacles } from '../systemd/base-system.ts';
import { otherRelease, replacedHost, uninstallAndPurge } from './changes.ts';
import { clockOff } from './clock.ts';
import { fullDisk, readOnlyFileSystem } from './disks.ts';
import { bootFleetMachine, type FleetMachine, SERVER } from './fleet.ts';
import { rebootBetweenEvents, rebootInHook, stopInInstall, upgradeInHook } from './interruptions.ts';
import { makeNetwork, networkObstacles } from './network.ts';
import { cutInEachEvent, serverRestarted } from './network-faults.ts';
import { rollingDeployment } from './rolling.ts';
import { closedCertificate, enrolHosts, installPackages, setUpServer, unitIsClosed } from './set-up.ts';
import type { FleetState } from './state.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const FIRST_HOST = 11;
const HOSTS = ['web-1', 'web-2', 'web-3'];

const values = programOptions('test:fleet', {
  json: flag('each line as JSON'),
  only: anyText('TEXT', 'beside the set-up, the scenarios whose name holds the text'),
  required: flag('exit code 1 where it cannot run'),
  package: anyText('FILE', 'a package for Debian that is there; else one is built'),
  'cut-seconds': wholeNumber('how long the network is cut in each event', { least: 1, most: 3600, otherwise: 6 }),
});

/** @param isSetUp the scenarios behind it need it */
interface Scenario {
  readonly what: string;
  readonly isSetUp?: true;
  readonly hold: (state: FleetState) => unknown;
}

const SCENARIOS: readonly Scenario[] = [
  { what: 'the .deb is installed on four machines; no service starts unasked', isSetUp: true, hold: installPackages },
  { what: 'slipway server init sets up a server without a fault', isSetUp: true, hold: setUpServer },
  { what: 'the server’s unit is closed, and its key is handed over by LoadCredential', hold: unitIsClosed },
  { what: 'a certificate that only root can read is handed over by LoadCredential', hold: closedCertificate },
  { what: 'three hosts enrol with one token, and get a deployment', isSetUp: true, hold: enrolHosts },
  {
    what: 'a rolling deployment of a web service behind HAProxy fails no request',
    isSetUp: true,
    hold: rollingDeployment,
  },
  { what: 'a reboot of a host that waits for its turn in a deployment loses nothing', hold: rebootBetweenEvents },
  { what: 'a reboot of a host in the middle of a hook is reported, and the host comes back', hold: rebootInHook },
  { what: 'an upgrade of the agent by dpkg in the middle of a hook loses nothing', hold: upgradeInHook },
  {
    what: 'systemctl stop in the middle of Install leaves a whole tree, and the deployment goes on',
    hold: stopInInstall,
  },
  { what: 'a full disk fails the event and leaves the old tree', hold: fullDisk },
  { what: 'a read-only file system fails the event and leaves the old tree', hold: readOnlyFileSystem },
  { what: 'a clock that jumps by ten minutes is named, and loses no event', hold: clockOff },
  {
    what: 'a network that is cut in each lifecycle event stops no deployment',
    hold: (state) => cutInEachEvent(state, values['cut-seconds']),
  },
  { what: 'a server that is restarted or killed in a deployment loses no event', hold: serverRestarted },
  { what: 'a host that is replaced by another of the same name gets the deployments', hold: replacedHost },
  { what: 'uninstall and purge keep applications and data, and the fleet goes on', hold: uninstallAndPurge },
  { what: 'Debian 13 takes part as a host', hold: otherRelease },
];

const needs = [...obstacles(), ...networkObstacles(), ...(values.package === null ? buildObstacles() : [])];
const chosen = SCENARIOS.filter(({ what, isSetUp }) => isSetUp === true || what.includes(values.only ?? ''));
process.exitCode = needs.length > 0 ? await skipAll() : await runAll();

async function skipAll(): Promise<number> {
  await runChecks(
    chosen.map(({ what }) => ({ what, needs, hold: () => undefined })),
    formOfLines(),
  );
  return values.required ? 1 : 0;
}

async function runAll(): Promise<number> {
  const interruption = whenInterrupted();
  // It may come while the machines are still being made.
  interruption.catch(() => undefined);
  using scratch = scratchFolder();
  const deb = values.package ?? buildPackage(scratch.path);
  using network = makeNetwork();
  using disk = smallFileSystem(scratch.path);
  await using machines = new AsyncDisposableStack();
  const own = (machine: FleetMachine) => machines.use(machine);
  const ground = { folder: scratch.path, network, deb };
  const server = own(await bootFleetMachine(ground, SERVER));
  const hosts: FleetMachine[] = [];
  for (const [index, name] of HOSTS.entries()) {
    const binds = index === 0 ? { [disk.folder]: '/small' } : {};
    hosts.push(own(await bootFleetMachine(ground, { name, number: FIRST_HOST + index, binds })));
  }
  const state: FleetState = { ground, server, hosts, disk, own, control: null };
  const checks: Check[] = chosen.map(({ what, hold }) => ({ what, needs: [], hold: () => hold(state) }));
  return await Promise.race([runChecks(checks, formOfLines()), interruption]);
}

/** The machines end with the run. */
function whenInterrupted(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error('interrupted')));
  });
}

/** @returns why the package cannot be built here; empty: it can */
function buildObstacles(): readonly string[] {
  const missing = ['dpkg-deb', 'x86_64-linux-gnu-strip'].filter(
    (name) => findProgram(name, process.env['PATH']) === null,
  );
  return missing.length === 0 ? [] : [`the package cannot be built without ${missing.join(' and ')}`];
}

/** @returns the file */
function buildPackage(folder: string): string {
  const args = ['packaging/main.ts', '--out', folder, '--architecture', 'amd64', '--format', 'deb'];
  execFileSync(process.execPath, args, { cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit'] });
  const name = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (name === undefined) throw new Error('no package was built');
  return join(folder, name);
}

function formOfLines(): 'json' | 'text' {
  return values.json ? 'json' : 'text';
}
