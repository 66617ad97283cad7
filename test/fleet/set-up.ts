/** From nothing to a fleet: the package, the server, three hosts by a token, and one deployment. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { controlOf } from './control.ts';
import { ENDPOINT, type FleetMachine, SERVER_NAME } from './fleet.ts';
import { SCRIPTED_EVENTS, SERVICE_PORT, writeJob } from './revisions.ts';
import { controlIn, type FleetState, hostIn, JOB, must, untilActive } from './state.ts';

export function installPackages({ server, hosts }: FleetState): void {
  for (const { machine } of [server, ...hosts]) {
    machine.run('dpkg --install /slipway.deb');
    must(machine.ask('systemctl is-active slipway-agent slipway-server') === null, 'a service runs unasked');
    must(machine.run('slipway --version').includes('(deb, commit '), machine.run('slipway --version'));
  }
}

export function setUpServer(state: FleetState): void {
  const { machine } = state.server;
  machine.run(`slipway server init --address ${SERVER_NAME}`);
  machine.run('systemctl enable --now slipway-server');
  state.control = controlOf(state.server);
  const said = machine.run('slipway server doctor; true');
  must(/\n0 faults, /.test(said), said);
}

const UNIT = 'slipway-server.service';
/** More than this is not called OK for a service that is reached from outside. */
const MOST_EXPOSED = 3;

/** The shipped unit is closed, and its key belongs to root alone: systemd hands it over. The agent, which may do all, shows that levels differ. */
export function unitIsClosed({ server }: FleetState): string {
  const { machine } = server;
  const exposure = (unit: string) =>
    Number(/exposure level for \S+: ([\d.]+)/.exec(machine.run(`systemd-analyze security --no-pager ${unit}`))?.[1]);
  const [own, agent] = [exposure(UNIT), exposure('slipway-agent.service')];
  must(own <= MOST_EXPOSED && agent > MOST_EXPOSED, `the server's level is ${own}, the agent's ${agent}`);
  const key = '/etc/slipway/tls/server.key';
  must(machine.run(`stat --format %U:%G:%a ${key}`) === 'root:root:600', 'the key is open to others than root');
  const asServer = 'setpriv --reuid=slipway --regid=slipway --init-groups';
  must(machine.ask(`${asServer} cat ${key}`) === null, 'the user of the server can read the key');
  machine.run(`${asServer} cmp /run/credentials/${UNIT}/tls.key - < ${key}`);
  return `systemd-analyze security: ${own}`;
}

/** A certificate in a folder that only root may enter, as certbot has it, is given to `slipway server init`. */
export function closedCertificate({ server }: FleetState): void {
  const { machine } = server;
  const setAside = 'mv /etc/slipway/server.env /etc/slipway/tls /root/live/ && systemctl stop slipway-server';
  machine.run(`mkdir -m 700 /root/live && ${setAside}`);
  const [cert, key] = ['/root/live/tls/server.pem', '/root/live/tls/server.key'];
  machine.run(`slipway server init --address ${SERVER_NAME} --tls-cert ${cert} --tls-key ${key}`);
  machine.run('systemctl enable --now slipway-server');
  const said = machine.run('slipway server doctor; true');
  must(/\n0 faults, /.test(said), said);
  const addition = '/etc/systemd/system/slipway-server.service.d';
  machine.run(
    `systemctl stop slipway-server && rm -r ${addition} && systemctl daemon-reload && rm /etc/slipway/server.env`,
  );
  const without = machine.run(
    'mv /root/live/server.env /root/live/tls /etc/slipway/; rmdir /root/live; systemctl start slipway-server; echo $?',
  );
  must(without === '0', `the server does not start again: ${without}`);
}

/** One host more than the token has uses is refused. */
export async function enrolHosts(state: FleetState): Promise<string> {
  const { hosts } = state;
  const { slipway, deploy } = controlIn(state);
  const { token } = JSON.parse(await slipway(`server tokens create --tag Role=web --uses ${hosts.length} --json`)) as {
    token: string;
  };
  for (const host of hosts) {
    enrol(host, token);
    await untilActive(host);
  }
  const refused = hostIn(state, 0).machine.ask(
    `echo ${token} | slipway register --server ${ENDPOINT} --instance-name late --config-dir /tmp/late --token-file -`,
  );
  must(refused === null, 'a host more than the token has uses was enrolled');
  await slipway(`applications create ${JOB}`);
  await slipway(`groups create all --application ${JOB} --tag Role=web`);
  for (const { name, place } of hosts) {
    await slipway(`hosts update ${name} --tag Only=${name} --tag Address=${place.address}`);
    await slipway(`groups create ${name} --application ${JOB} --tag Only=${name}`);
  }
  const listed = JSON.parse(await slipway('hosts list --json')) as { marks: readonly string[] }[];
  must(listed.length === hosts.length && listed.every(({ marks }) => marks.length === 0), JSON.stringify(listed));
  const begin = performance.now();
  const folder = writeJob(state.server, 'first');
  const shown = await deploy(folder, JOB, 'all');
  const taken = ((performance.now() - begin) / 1000).toFixed(1);
  const events = shown.targets.flatMap(({ lifecycleEvents }) => lifecycleEvents);
  must(events.length >= SCRIPTED_EVENTS.length * hosts.length, JSON.stringify(shown));
  // Each group has a revision, so that all events of a later one have a script.
  await Promise.all(hosts.map(({ name }) => deploy(writeJob(state.server, `first-${name}`), JOB, name)));
  return `the first deployment, one host after the other, took ${taken} s`;
}

export function enrol({ machine, name }: FleetMachine, token: string, flags = ''): void {
  machine.run(`echo ${token} | slipway register --server ${ENDPOINT} --instance-name ${name} ${flags} --token-file -`);
  machine.run('systemctl enable --now slipway-agent');
}

/** HAProxy in front of all hosts, on the server's machine; clients come in at a socket that this machine sees, too. */
export const FRONT_SOCKET = '/srv/front.sock';

export async function setUpBalancer(state: FleetState): Promise<void> {
  const { server } = state;
  tellBalancer(state);
  const front = {
    ...{ kind: 'haproxy', socket: '/run/haproxy/admin.sock', backend: 'web', server: '{name}', drainSeconds: 30 },
    probe: { url: `http://{tag:Address}:${SERVICE_PORT}/health` },
  };
  writeFileSync(server.at('/etc/slipway/balancers.json'), JSON.stringify({ front }));
  appendFileSync(server.at('/etc/slipway/server.env'), 'SLIPWAY_LOAD_BALANCERS=/etc/slipway/balancers.json\n');
  server.machine.run('systemctl restart slipway-server');
  await untilActive(server, 'slipway-server');
}

/** HAProxy gets the hosts with their present addresses. */
export function tellBalancer({ server, hosts }: FleetState): void {
  const servers = hosts.map(
    ({ name, place }) => `  server ${name} ${place.address}:${SERVICE_PORT} check inter 200ms rise 2 fall 2`,
  );
  const config = `global
  stats socket /run/haproxy/admin.sock user slipway mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 2
frontend in
  bind unix@${FRONT_SOCKET} mode 666
  default_backend web
backend web
  balance roundrobin
  option httpchk GET /health
${servers.join('\n')}
`;
  writeFileSync(server.at('/etc/haproxy/haproxy.cfg'), config);
  server.machine.run('systemctl restart haproxy');
}
