import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startTimeOf } from '../../src/system/processes.ts';
import { eventually } from '../support/eventually.ts';
import { enrolHost, startControlServer, startDaemon } from '../support/slipway.ts';
import type { Fault } from './fault.ts';
import {
  askDoctor,
  configure,
  deadPort,
  execStart,
  machineWithService,
  mounted,
  NEEDS_ROOT,
  readyAgent,
  settingOf,
} from './planting.ts';

/** The agent and its service. */
export const AGENT_FAULTS: readonly Fault[] = [
  {
    name: 'The agent does not run',
    async plant(ground) {
      return askDoctor(await ground.host(), { finds: 'agent', remedy: /slipway agent start/ });
    },
  },
  {
    name: 'The agent is halted by a signal',
    async plant(ground) {
      const host = await ground.host();
      const agent = await readyAgent(ground, host);
      agent.kill('SIGSTOP');
      ground.after.defer(() => agent.kill('SIGCONT'));
      return askDoctor(host, { finds: 'agent', detail: /hangs/, remedy: new RegExp(`kill -CONT ${agent.pid}`) });
    },
  },
  {
    name: 'The agent runs for long and its socket takes connections without an answer',
    async plant(ground) {
      const host = await ground.host();
      const pidDir = settingOf(host, 'pid_dir');
      mkdirSync(pidDir, { recursive: true });
      // A process of another time holds the lock: one that has lived for long.
      const old = 1;
      writeFileSync(join(pidDir, 'codedeploy-agent.pid.lock'), `${old} ${startTimeOf(old)}`);
      const server = createServer(() => {});
      const socket = join(pidDir, 'codedeploy-agent.sock');
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      ground.after.defer(() => {
        server.close();
        rmSync(socket, { force: true });
      });
      return askDoctor(host, { finds: 'agent', detail: /hangs/, remedy: /slipway agent restart/ });
    },
    missing: NEEDS_ROOT,
  },
  {
    name: 'The service ends again and again',
    async plant(ground) {
      const host = await ground.host();
      const state = { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: '7', Result: 'exit-code' };
      const PATH = machineWithService(ground, {
        ...state,
        ExecMainStatus: '2',
        ExecStart: execStart(host.configFile),
      });
      const remedy = /last words.*journalctl -u slipway-agent/;
      return askDoctor(host, { env: { PATH }, finds: 'service', detail: /again and again.*the last words/, remedy });
    },
  },
  {
    name: 'The program of the service is not there any more',
    async plant(ground) {
      const host = await ground.host();
      const state = { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code', ExecMainStatus: '203' };
      const PATH = machineWithService(ground, { ...state, ExecStart: execStart(host.configFile) });
      return askDoctor(host, { env: { PATH }, finds: 'service', remedy: /slipway agent install/ });
    },
  },
  {
    name: 'The service was stopped',
    async plant(ground) {
      const host = await ground.host();
      const PATH = machineWithService(ground, {
        ActiveState: 'inactive',
        SubState: 'dead',
        ExecStart: execStart(host.configFile),
      });
      return askDoctor(host, { env: { PATH }, finds: 'service', remedy: /systemctl start slipway-agent/ });
    },
  },
  {
    name: 'The service is masked',
    async plant(ground) {
      const PATH = machineWithService(ground, { LoadState: 'masked', ActiveState: 'inactive', SubState: 'dead' });
      const remedy = /systemctl unmask slipway-agent && systemctl enable --now slipway-agent/;
      return askDoctor(await ground.host(), { env: { PATH }, finds: 'service', detail: /masked/, remedy });
    },
  },
  {
    name: 'The configuration belongs to root, and the service runs as another user',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const host = await ground.host();
      chmodSync(host.configFile, 0o600);
      const PATH = machineWithService(ground, { User: 'nobody', ExecStart: execStart(host.configFile) });
      return askDoctor(host, {
        ...{ env: { PATH }, finds: 'configuration', detail: /cannot be read by nobody/ },
        remedy: /chown nobody: .*codedeployagent\.yml/,
      });
    },
  },
  {
    name: 'A proxy between quotes in the service’s file of variables is down',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { deploy_control_endpoint: 'https://deploy.example.test' });
      const file = join(ground.folder, 'agent.env');
      writeFileSync(file, `; the way out\nhttps_proxy="http://127.0.0.1:${await deadPort()}" \n`);
      const PATH = machineWithService(ground, {
        ...{ ActiveState: 'activating', SubState: 'start', EnvironmentFiles: `${file} (ignore_errors=yes)` },
        ExecStart: execStart(host.configFile),
      });
      return askDoctor(host, { env: { PATH }, finds: 'connection', remedy: /proxy 127\.0\.0\.1:\d+ runs/ });
    },
  },
  {
    name: 'The configuration that the service runs with names a server that is down, and the usual one does not',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { deploy_control_endpoint: `http://127.0.0.1:${await deadPort()}` });
      const PATH = machineWithService(ground, { ExecStart: execStart(host.configFile) });
      return { args: ['doctor', '--json'], env: { PATH }, finds: 'connection', remedy: /Nothing listens there/ };
    },
  },
  {
    name: 'The file of variables that the unit names is not there',
    async plant(ground) {
      const host = await ground.host();
      const file = join(ground.folder, 'agent.env');
      const PATH = machineWithService(ground, {
        ...{ ActiveState: 'failed', SubState: 'failed', Result: 'resources' },
        ...{ ExecStart: execStart(host.configFile), EnvironmentFiles: `${file} (ignore_errors=no)` },
      });
      return askDoctor(host, { env: { PATH }, finds: 'service', detail: /agent\.env/, remedy: /Write .*agent\.env/ });
    },
  },
  {
    name: 'A proxy in the environment of the service is down, and nobody else has one',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { deploy_control_endpoint: 'https://deploy.example.test' });
      const proxy = `http://127.0.0.1:${await deadPort()}`;
      const PATH = machineWithService(ground, {
        ...{ ActiveState: 'activating', SubState: 'start' },
        ...{ ExecStart: execStart(host.configFile), Environment: `"https_proxy=${proxy}" LANG=C` },
      });
      return askDoctor(host, { env: { PATH }, finds: 'connection', remedy: /proxy 127\.0\.0\.1:\d+ runs/ });
    },
  },
  {
    name: 'The configuration has a value that cannot be',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { max_revisions: 'many' });
      return askDoctor(host, { finds: 'configuration', remedy: /docs\/config\.md/ });
    },
  },
  {
    name: 'The temporary folder of the agent’s environment does not exist',
    async plant(ground) {
      const host = await ground.host();
      const env = { TMPDIR: join(ground.folder, 'gone') };
      return askDoctor(host, { env, finds: 'temporary folder', remedy: /mkdir -m 1777/ });
    },
  },
  {
    name: 'The temporary folder of the agent’s environment takes no files',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const env = { TMPDIR: mounted(ground, 'tmp', 'size=100m,ro') };
      return askDoctor(await ground.host(), { env, finds: 'temporary folder', remedy: /mount -o remount,rw/ });
    },
  },
  {
    name: 'Two machines were made from one image and poll with one identity',
    async plant(ground) {
      const server = await ground.ownServer();
      const host = await enrolHost(server, join(ground.folder, 'host'), 'web-1');
      await readyAgent(ground, host);
      const clone = join(ground.folder, 'clone');
      cpSync(join(host.folder, 'conf'), join(clone, 'conf'), { recursive: true });
      const configFile = join(clone, 'conf/codedeployagent.yml');
      const own = readFileSync(host.configFile, 'utf8');
      writeFileSync(configFile, `${own.replace(/^((?:root|log|pid)_dir: ).*\/host\/(.*)$/gm, `$1${clone}/$2`)}\n`);
      const args = ['agent', '--config-file', configFile];
      const other = ground.after.use(startDaemon(args, { stderrFile: join(ground.folder, 'clone.log') }));
      await eventually(() => other.log().includes('the agent is ready'));
      // Polls that are held would come back within a minute; those that have lost their server come at once.
      server.daemon.kill('SIGTERM');
      await server.daemon.exited;
      ground.after.use(await startControlServer(server.dataDir, server));
      // The other one may be told with its next poll only, a minute later.
      await eventually(() => logOf(host.folder).includes('another agent uses the identity'));
      return askDoctor(host, { finds: 'identity used twice', remedy: /register --force --instance-name/ });
    },
  },
];

/** The agent's own log of a host whose files are all in one folder. */
function logOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('');
}
