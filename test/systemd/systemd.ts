/**
 * `npm run test:systemd`: the agent as its service in a Debian that has its own systemd, against a server outside.
 *
 * `--readme` does README's commands alone. Prints a line for each thing that must hold and ends with how many did; exit code 1 when one does not. Where it cannot run (no root, no
 * systemd-nspawn) it says so and why, with exit code 0, or 1 with `--required`.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLineOf, runningProcesses } from '../../src/system/processes.ts';
import { eventually } from '../support/eventually.ts';
import { flag, programOptions } from '../support/program-options.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, runSlipway, startControlServer } from '../support/slipway.ts';
import { smallFileSystem } from '../support/small-file-system.ts';
import { obstacles } from './base-system.ts';
import { bootMachine, type Machine } from './machine.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const APPLICATION = ['--application', 'site', '--group', 'test'];
const CONFIG = '/etc/codedeploy-agent/conf/codedeployagent.yml';
/** The server of README's commands: a name, because a server that is called localhost is for its own machine alone. */
const SERVER = 'deploy.example.com';
/** The unit hands over the key, and not the certificate, which is no secret. */
const TLS_CERT = '/etc/slipway/tls/server.pem';
/** Writes what it is doing to its inherited output for as long as it lives: a broken pipe would end it. */
const APP = '/srv/site/app.sh';

const { readme, required } = programOptions('test:systemd', {
  readme: flag('the commands of the README alone'),
  required: flag('exit code 1 where it cannot run'),
});
const because = obstacles();
if (because.length > 0) {
  process.stdout.write(`test:systemd DID NOT RUN: ${because.join('; ')}\n`);
  process.exit(required ? 1 : 0);
}

let [passed, failed] = [0, 0];
/** One thing that must hold. The next one is tried in any case. */
async function check(what: string, hold: () => unknown): Promise<void> {
  const begin = performance.now();
  try {
    await hold();
    passed += 1;
    process.stdout.write(`ok      ${what} (${((performance.now() - begin) / 1000).toFixed(1)} s)\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`FAILED  ${what}\n        ${String(error).replaceAll('\n', '\n        ')}\n`);
  }
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

interface Shown {
  readonly deployment: { readonly deploymentId: string; readonly status: string };
  readonly targets: readonly {
    readonly lifecycleEvents: readonly {
      readonly lifecycleEventName: string;
      readonly status: string;
      readonly diagnostics?: { readonly errorCode: string; readonly message: string; readonly logTail: string };
    }[];
  }[];
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
await main();
process.stdout.write(`test:systemd: ${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function main(): Promise<void> {
  using scratch = scratchFolder();
  execFileSync(process.execPath, ['build.ts'], { cwd: PACKAGE });
  if (!readme) await onHost(scratch);
  await readmeScenario(scratch.at('readme'));
}

async function onHost(scratch: ScratchFolder): Promise<void> {
  await using server = await startControlServer(scratch.at('server'));
  using small = smallFileSystem(scratch.path);
  await using machine = await bootMachine(scratch.path, { [small.folder]: '/small' });
  try {
    await Promise.race([scenario(scratch.path, server, machine), whenInterrupted()]);
  } catch (error) {
    failed += 1;
    process.stdout.write(`FAILED  ${String(error)}\n`);
  }
  if (failed > 0) process.stdout.write(journal(machine, 'slipway-agent'));
}

/** README's commands for server and host, as they stand there, on a machine that has nothing but a loopback interface. */
async function readmeScenario(folder: string): Promise<void> {
  mkdirSync(folder);
  await using machine = await bootMachine(folder, {}, 'private');
  const readme = readmeCommands(SERVER);
  putPackage(machine, 'first');
  machine.run(
    `ln -s /opt/slipway/bin/slipway.js /usr/local/bin/slipway && echo 127.0.0.1 localhost ${SERVER} > /etc/hosts`,
  );
  const env: Record<string, string> = { SLIPWAY_CA_FILE: '/etc/slipway/tls/ca.pem' };
  const before = failed;
  await check(
    'README’s `slipway server init` writes the settings that docs/server.md shows, and keeps the template',
    () => {
      machine.run(readme.commands('slipway server init'));
      const written = machine.run('cat /etc/slipway/server.env');
      must(written.includes('#SLIPWAY_LISTEN='), 'there is no template');
      for (const line of documentedSettings()) must(written.split('\n').includes(line), `${line} is not in ${written}`);
    },
  );
  await check('README’s `slipway server install` waits until the server is ready', () => {
    const said = machine.run(readme.commands('slipway server install'));
    must(/slipway-server is ready, with PID \d+/.test(said), said);
  });
  await check('a server that cannot read its certificate is told of by `install`, with what it said', () => {
    const said = machine.ask(`chmod 600 ${TLS_CERT}; chown root: ${TLS_CERT}; slipway server install 2>&1; true`) ?? '';
    must(said.includes('slipway-server has ended') && said.includes(TLS_CERT), said);
  });
  await check('the remedy makes the certificate readable, and README’s command makes the first key', () => {
    machine.run(`chown root:slipway ${TLS_CERT} && chmod 640 ${TLS_CERT} && slipway server install`);
    const made = machine.run(`${readme.commands('slipway keys create')} --json`);
    const key = JSON.parse(made) as { accessKeyId: string; secretAccessKey: string };
    env['AWS_ACCESS_KEY_ID'] = key.accessKeyId;
    env['AWS_SECRET_ACCESS_KEY'] = key.secretAccessKey;
  });
  await check('README’s commands for a host enrol it by a token alone, and its agent becomes ready over https', () => {
    const made = machine.run(`${readme.commands('export SLIPWAY_ENDPOINT_URL')} --json`, env);
    env['SLIPWAY_ENDPOINT_URL'] = `https://${SERVER}:8400`;
    const { token } = JSON.parse(made) as { token: string };
    // As root has it on a host: without the key of people, and with no authority's file.
    const said = machine.run(readme.commands('echo TOKEN', 'slipway agent install').replace('TOKEN', token));
    must(/slipway-agent is ready, with PID \d+/.test(said), said);
    must(machine.run(`cat ${CONFIG}`).includes('ca_file: '), 'the authority is not in the configuration');
  });
  await check('README’s commands deploy', () => {
    writeRevision(join(machine.root, 'root/build'), { destination: '/srv/my-site', files: { a: 'README' } });
    const said = machine.run(`cd /root && ${readme.commands('slipway applications create')}`, env);
    must(said.includes('Succeeded'), said);
    must(machine.run('cat /srv/my-site/a') === 'README', 'the file is not in place');
  });
  await check('`slipway doctor` has no fault to name', () => {
    const said = machine.run('slipway doctor; true');
    must(/\n0 faults, /.test(said), said);
  });
  await check('`slipway server doctor` has no fault to name, and names one that is planted', () => {
    const said = machine.run('slipway server doctor; true');
    must(/\n0 faults, /.test(said), said);
    const planted = machine.ask(`chmod 600 ${TLS_CERT}; chown root: ${TLS_CERT}; slipway server doctor; true`);
    must(/fail +certificate .*server\.pem cannot be read by slipway/.test(planted ?? ''), planted ?? 'nothing');
    must(/\n1 fault, /.test(planted ?? ''), planted ?? 'nothing');
  });
  if (failed > before) process.stdout.write(journal(machine, 'slipway-server') + journal(machine, 'slipway-agent'));
}

/** Commands of README for an operator. */
function readmeCommands(server: string) {
  const text = readFileSync(join(PACKAGE, 'README.md'), 'utf8').replace(/\bSERVER\b/g, server);
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, content = '']) => content);
  const one = (start: string) => {
    const found = blocks.filter((block) => block.split('\n').some((line) => line.startsWith(start)));
    if (found.length !== 1) throw new Error(`README has ${found.length} blocks with '${start}'`);
    return found[0] ?? '';
  };
  return {
    /** Lines that begin so, joined to one command; of blocks that belong together, all lines. */
    commands: (...starts: readonly string[]) =>
      starts
        .flatMap((start) => {
          const lines = one(start)
            .split('\n')
            .map((line) => line.replace(/ +#.*$/, ''))
            .filter((line) => line !== '');
          return /^(export|slipway applications)/.test(start) ? lines : lines.filter((line) => line.startsWith(start));
        })
        .join(' && '),
  };
}

/** The settings that `slipway server init` writes, as the docs of the server have them. */
function documentedSettings(): string[] {
  const docs = readFileSync(join(PACKAGE, 'docs/server.md'), 'utf8');
  const block = /^```ini\n(?<lines>SLIPWAY_LISTEN=[\s\S]*?)^```$/m.exec(docs)?.groups?.['lines'];
  if (block === undefined) throw new Error('docs/server.md has no block of settings');
  return block.split('\n').filter((line) => line !== '');
}

function journal(machine: Machine, unit: string): string {
  try {
    return `${machine.ask(`journalctl --no-pager -u ${unit} | tail -n 60`) ?? ''}\n`;
  } catch (error) {
    return `no journal: ${String(error)}\n`;
  }
}

function whenInterrupted(): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Error('interrupted'));
    // It may have come while the machine was still being made.
    if (interrupted.signal.aborted) end();
    else interrupted.signal.addEventListener('abort', end);
  });
}

async function scenario(folder: string, server: ControlServer, machine: Machine): Promise<void> {
  const revision = (name: string, content: Partial<Parameters<typeof writeRevision>[1]>) =>
    writeRevision(join(folder, name), { destination: '/srv/site', files: { 'app.sh': app() }, ...content });

  putPackage(machine, 'first');
  machine.run(
    `/usr/local/bin/node /opt/slipway/bin/slipway.js register --instance-name machine --tag Role=test &&
     echo 'hook_output_grace_seconds: 1' >> ${CONFIG} && useradd --create-home web`,
    server.env,
  );
  await runSlipway(['applications', 'create', 'site'], server.env);
  await runSlipway(['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'], server.env);

  await check('`slipway agent install` makes a service that becomes ready', async () => {
    machine.run('/usr/local/bin/node /opt/slipway/bin/slipway.js agent install');
    await isActive(machine);
  });
  await check('systemd-analyze verify has nothing to say about the unit', () => {
    const said = machine.run('systemd-analyze verify --man=no /etc/systemd/system/slipway-agent.service 2>&1');
    must(said === '', said);
  });

  const apps = revision('apps', {
    scripts: {
      ApplicationStart: `chmod +x ${APP}
su web -s /bin/sh -c '${APP} user /tmp' &
${APP} plain /run &
systemctl stop app-unit 2> /dev/null
systemd-run --quiet --collect --unit=app-unit ${APP} unit /run`,
    },
  });
  await check('a hook starts an application in the background, one as another user and one as a unit', async () => {
    await deploy(server, apps);
    must(scopeOf(machine, 'plain')?.includes('/slipway-hook-') === true, `it runs in ${scopeOf(machine, 'plain')}`);
    await appsLive(machine);
  });
  await check('what it says goes on in a file beside scripts.log, without the agent', () => outputGrows(machine));
  await check('both survive `systemctl stop`', async () => {
    machine.run('systemctl stop slipway-agent');
    await appsLive(machine);
    machine.run('systemctl start slipway-agent');
    await isActive(machine);
  });
  await check('both survive `systemctl restart`', async () => {
    machine.run('systemctl restart slipway-agent');
    await isActive(machine);
    await appsLive(machine);
  });
  await check('both survive an upgrade', async () => {
    putPackage(machine, 'second');
    machine.run('/usr/local/bin/node /opt/slipway/bin/slipway.js agent install && systemctl restart slipway-agent');
    await isActive(machine);
    await appsLive(machine);
    must(machine.run('cat /opt/slipway/which') === 'second', 'it is the old package');
  });
  await check('both survive `kill -9` of the agent, which comes back', async () => {
    const before = mainPid(machine);
    machine.run('systemctl kill --signal=KILL --kill-whom=main slipway-agent');
    await eventually(() => mainPid(machine) !== before && mainPid(machine) !== '0', { withinMs: 30_000, everyMs: 200 });
    await isActive(machine);
    await appsLive(machine);
    await outputGrows(machine);
  });

  const runaway = (sleep: number, file: string) =>
    `setsid env -i /bin/sh -c 'cd /; (setsid /bin/sleep ${sleep} & echo $! > ${file})' > /dev/null 2>&1\ntrap '' TERM`;
  await check(
    'an agent that stands still is started anew by the watchdog, and one that waits for the server is not',
    async () => {
      const dropIn = '/run/systemd/system/slipway-agent.service.d';
      machine.run(
        `mkdir -p ${dropIn} && printf '[Service]\\nWatchdogSec=3\\n' > ${dropIn}/soon.conf && systemctl daemon-reload && systemctl restart slipway-agent`,
      );
      await isActive(machine);
      const before = mainPid(machine);
      // Longer than the watchdog waits: a poll is held all the while.
      machine.run('sleep 8');
      must(mainPid(machine) === before, 'it was started anew although it polls');
      machine.run(`kill -STOP ${before}`);
      await eventually(() => mainPid(machine) !== before && mainPid(machine) !== '0', {
        withinMs: 30_000,
        everyMs: 200,
      });
      machine.run(`rm -r ${dropIn} && systemctl daemon-reload && systemctl restart slipway-agent`);
      await isActive(machine);
      await appsLive(machine);
    },
  );
  await check('a script written for the official agent finds this one by its unit’s name', () => {
    must(machine.run('systemctl is-active codedeploy-agent') === 'active', 'codedeploy-agent is not active');
  });
  await check('a hook’s timeout kills its whole control group and leaves the applications alone', async () => {
    const late = revision('late', {
      timeoutSeconds: 2,
      scripts: { BeforeInstall: `${runaway(7001, '/run/escaped-1')}\nsleep 600; sleep 600` },
    });
    const shown = await deployment(server, late, 'Failed');
    must(failure(shown).errorCode === 'ScriptTimedOut', JSON.stringify(failure(shown)));
    must(!runs('sleep 7001'), 'a process that escaped lives on');
    await appsLive(machine);
  });
  await check('a hook’s timeout also kills what escapes from a session of `su`', async () => {
    const late = revision('late-user', {
      timeoutSeconds: 2,
      scripts: { BeforeInstall: `chmod 777 /run/user-escape\n${runaway(7002, '/run/user-escape/pid')}\nsleep 600` },
    });
    const text = readFileSync(join(late, 'appspec.yml'), 'utf8');
    writeFileSync(join(late, 'appspec.yml'), text.replace(/(BeforeInstall.sh\n\s+timeout: 2)/, '$1\n      runas: web'));
    machine.run('mkdir -m 777 -p /run/user-escape');
    const shown = await deployment(server, late, 'Failed');
    must(failure(shown).errorCode === 'ScriptTimedOut', JSON.stringify(failure(shown)));
    must(!runs('sleep 7002'), 'a process that escaped lives on');
  });
  await check(
    '`kill -9` of all of the agent in a hook: code 7 after the restart, and nothing of the hook is left',
    async () => {
      const hanging = revision('hanging', {
        scripts: { BeforeInstall: `${runaway(7003, '/run/escaped-3')}\nsleep 600` },
      });
      const id = await begin(server, hanging);
      await eventually(() => runs('sleep 7003'));
      // Stopped first, so that no process of the agent can act upon the end of another.
      for (const signal of ['STOP', 'KILL'])
        machine.run(`systemctl kill --signal=${signal} --kill-whom=all slipway-agent`);
      must(runs('sleep 7003'), 'systemd has killed the hook: there is nothing to prove');
      const shown = await ended(server, id, 'Failed');
      must(/restart/i.test(failure(shown).message), JSON.stringify(failure(shown)));
      must(!runs('sleep 7003'), 'a process that escaped lives on');
      await appsLive(machine);
    },
  );

  await check('a reset in the middle of a deployment: code 7, and the next deployment succeeds', async () => {
    const id = await begin(server, revision('cut', { scripts: { BeforeInstall: 'touch /srv/here\nsync\nsleep 600' } }));
    await eventually(() => machine.ask('test -e /srv/here') !== null);
    await machine.reset();
    await isActive(machine);
    const shown = await ended(server, id, 'Failed');
    must(/restart/i.test(failure(shown).message), JSON.stringify(failure(shown)));
    await deploy(server, apps);
    await appsLive(machine);
  });
  await check('scripts have the variables of /etc/profile', async () => {
    machine.run("echo 'FROM_PROFILE=yes' >> /etc/profile && systemctl restart slipway-agent");
    await isActive(machine);
    await deploy(server, revision('profile', { scripts: { AfterInstall: 'test "$FROM_PROFILE" = yes' } }));
  });
  await check(
    'an orderly reboot in the middle of a deployment: it is reported, and the next deployment succeeds',
    async () => {
      const id = await begin(server, revision('down', { scripts: { BeforeInstall: 'touch /srv/down\nsleep 600' } }));
      await eventually(() => machine.ask('test -e /srv/down') !== null);
      const begun = performance.now();
      await machine.reboot();
      // systemd ends the hook with everything else; an agent that waited for its own end would hold up the machine for two hours.
      must(performance.now() - begun < 100_000, 'the shutdown took too long');
      await isActive(machine);
      const shown = await ended(server, id, 'Failed');
      must(/signal|SIG|restart/i.test(failure(shown).message), JSON.stringify(failure(shown)));
      await deploy(server, apps);
      await appsLive(machine);
    },
  );
  await check(
    'records of a deployment are found in the journal by its id, under the unit, with priorities',
    async () => {
      const shown = await deployment(server, revision('sad', { scripts: { AfterInstall: 'exit 3' } }), 'Failed');
      const { deploymentId } = shown.deployment;
      const find = (rest: string) =>
        machine.run(`journalctl --no-pager -u slipway-agent -o json SLIPWAY_DEPLOYMENT_ID=${deploymentId} ${rest}`);
      await eventually(() => find('SLIPWAY_COMMAND=AfterInstall PRIORITY=4') !== '');
      const record = JSON.parse(find('SLIPWAY_COMMAND=AfterInstall PRIORITY=4').split('\n')[0] ?? '') as Record<
        string,
        string
      >;
      must(record['SYSLOG_IDENTIFIER'] === 'codedeploy-agent', JSON.stringify(record));
      must(record['SLIPWAY_DIAGNOSTIC_CODE'] === '4', JSON.stringify(record));
      must(find('PRIORITY=6').includes('Install succeeded'), 'the successful events are not there');
      const plain = machine.run(
        'journalctl --no-pager -u slipway-agent -o json PRIORITY=6 | grep "agent is ready" | tail -n 1',
      );
      must(plain.includes('the agent is ready') && !plain.includes('<6>'), plain);
    },
  );
  await check('a full disk at the destination: a clear error, and the old tree is untouched', async () => {
    const fits = { 'one.bin': randomBytes(2 ** 20).toString('base64'), 'old.txt': 'old' };
    const tooMuch = { 'one.bin': randomBytes(12 * 2 ** 20).toString('base64'), 'new.txt': 'new' };
    await deploy(server, revision('fits', { destination: '/small/site', files: fits }));
    const tree =
      "cd /small/site && find . -type f -printf '%p %m %T@\\n' -o -printf '%p %m\\n' | sort && cat * | sha256sum";
    const before = machine.run(tree);
    // Node hands times of folders over as floating-point seconds: what is put back may differ below the microsecond.
    const folderTime = () => Number(machine.run("find /small/site -maxdepth 0 -printf '%T@'"));
    const folderTimeBefore = folderTime();
    const shown = await deployment(server, revision('large', { destination: '/small/site', files: tooMuch }), 'Failed');
    must(/space|disk is full/i.test(failure(shown).message), failure(shown).message);
    const after = machine.run(tree);
    must(after === before, `the tree was\n${before}\nand is\n${after}`);
    must(Math.abs(folderTime() - folderTimeBefore) < 2e-6, 'the folder has another time');
  });
  await check('a full disk below root_dir: a clear error, and the agent goes on', async () => {
    machine.run(`echo 'root_dir: /small/root' >> ${CONFIG} && systemctl restart slipway-agent`);
    await isActive(machine);
    const files = { 'one.bin': randomBytes(12 * 2 ** 20).toString('base64') };
    const shown = await deployment(server, revision('heavy', { files }), 'Failed');
    must(/space|disk is full/i.test(failure(shown).message), failure(shown).message);
    machine.run(`sed -i '/^root_dir: .small/d' ${CONFIG} && systemctl restart slipway-agent`);
    await isActive(machine);
    await deploy(server, apps);
  });
}

/** The package as it is published, and a Node; replaces what is there, as an upgrade does. */
function putPackage(machine: Machine, which: string): void {
  const target = join(machine.root, 'opt/slipway');
  execFileSync('rm', ['-rf', target]);
  mkdirSync(target, { recursive: true });
  for (const name of ['bin', 'dist', 'systemd', 'package.json']) {
    cpSync(join(PACKAGE, name), join(target, name), { recursive: true });
  }
  writeFileSync(join(target, 'which'), which);
  const node = join(machine.root, 'usr/local/bin/node');
  if (!existsSync(node)) cpSync(process.execPath, node, { dereference: true });
}

function app(): string {
  return `#!/bin/sh\necho $$ > "$2/$1.pid"\nn=0\nwhile :; do n=$((n+1)); echo "$1 $n"; echo $n > "$2/$1.count"; sleep 0.2; done\n`;
}

/** Each goes on counting, which it does only while it can write to its output. */
async function appsLive(machine: Machine): Promise<void> {
  for (const [name, folder] of [
    ['plain', '/run'],
    ['unit', '/run'],
    ['user', '/tmp'],
  ] as const) {
    const pid = machine.ask(`cat ${folder}/${name}.pid`) ?? '';
    const count = () => Number(machine.ask(`kill -0 ${pid} && cat ${folder}/${name}.count`) ?? Number.NaN);
    const before = count();
    must(!Number.isNaN(before), `the application '${name}' (${pid}) is not there any more`);
    await eventually(() => count() > before, { everyMs: 100, withinMs: 10_000 });
  }
}

async function outputGrows(machine: Machine): Promise<void> {
  const file = '/opt/codedeploy-agent/deployment-root/*/*/logs/ApplicationStart-ApplicationStart.sh.stdout.log';
  const last = () => Number(/plain (\d+)/.exec(machine.ask(`cat ${file} | grep '^plain' | tail -n 1`) ?? '')?.[1] ?? 0);
  const before = last();
  await eventually(() => last() > before + 1, { everyMs: 100 });
}

/** The processes of the machine are processes here, too. */
function runs(commandLine: string): boolean {
  return runningProcesses().some(({ pid }) => commandLineOf(pid).endsWith(commandLine));
}

function scopeOf(machine: Machine, name: string): string | null {
  return machine.ask(`cat /proc/$(cat /run/${name}.pid)/cgroup`);
}

function mainPid(machine: Machine): string {
  return machine.run('systemctl show --property=MainPID --value slipway-agent');
}

async function isActive(machine: Machine): Promise<void> {
  await eventually(() => machine.ask('systemctl is-active slipway-agent') === 'active', {
    withinMs: 30_000,
    everyMs: 200,
  });
}

async function begin(server: ControlServer, revision: string): Promise<string> {
  const started = await runSlipway(['deploy', revision, ...APPLICATION, '--no-follow'], server.env);
  must(started.status === 0, started.stderr);
  return started.stdout.trim();
}

async function ended(server: ControlServer, id: string, status: 'Succeeded' | 'Failed'): Promise<Shown> {
  let shown: Shown | null = null;
  await eventually(
    async () => {
      shown = JSON.parse((await runSlipway(['deployments', 'show', id, '--json'], server.env)).stdout) as Shown;
      return ['Succeeded', 'Failed', 'Stopped'].includes(shown.deployment.status);
    },
    { withinMs: 60_000, everyMs: 200 },
  );
  const found = shown as Shown | null;
  if (found?.deployment.status !== status) {
    throw new Error(
      `the deployment is ${found?.deployment.status}: ${found === null ? '' : JSON.stringify(failure(found))}`,
    );
  }
  return found;
}

async function deployment(server: ControlServer, revision: string, status: 'Succeeded' | 'Failed'): Promise<Shown> {
  return ended(server, await begin(server, revision), status);
}

async function deploy(server: ControlServer, revision: string): Promise<void> {
  await deployment(server, revision, 'Succeeded');
}

function failure(shown: Shown): { readonly errorCode: string; readonly message: string } {
  const events = shown.targets.flatMap((target) => target.lifecycleEvents);
  return (
    events.find(({ status }) => status === 'Failed')?.diagnostics ?? { errorCode: '', message: JSON.stringify(shown) }
  );
}
