/** Attacks on the agent by its control endpoint: genuine specifications in the wrong place, altered ones, and floods of commands. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { createSigningAuthority, issueSigner } from '../../src/protocol/envelope/authority.ts';
import { decodePem, encodePem } from '../../src/protocol/envelope/pem.ts';
import { createSealer } from '../../src/protocol/envelope/seal.ts';
import type { HostCommandClient } from '../../src/protocol/host-command/client.ts';
import type { Envelope } from '../../src/protocol/host-command/shapes.ts';
import { systemRandom } from '../../src/system/random.ts';
import { quoteForShell, shellCommand } from '../../src/system/shell-word.ts';
import { deploymentDriver } from '../support/deployments.ts';
import { eventually } from '../support/eventually.ts';
import { handDrivenHost, hostClient, type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import {
  type CommandReport,
  type HandedOut,
  type HostileAnswer,
  type HostileEndpoint,
  hostileEndpoint,
  orderingEndpoint,
} from '../support/hostile-endpoint.ts';
import { writeRevision } from '../support/revision.ts';
import { type ControlServer, type EnrolledHost, enrolHost } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const TAG = 'attacked-by-orders';

function keysOf(env: Readonly<Record<string, string>>): KeyPair {
  return { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' };
}

/** Tools of an attacker who has taken the host's own key, too. */
function stolen({ url }: ControlServer, { configFile }: EnrolledHost) {
  const file = join(configFile, '../codedeploy.onpremises.yml');
  const identity = parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const key = {
    accessKeyId: identity['aws_access_key_id'] ?? '',
    secretAccessKey: identity['aws_secret_access_key'] ?? '',
  };
  const hostArn = identity['iam_user_arn'] ?? '';
  return { hostArn, client: hostClient(url, hostArn, key) };
}

/** The next command of a host with its genuine specification. */
async function genuine(client: HostCommandClient): Promise<HandedOut> {
  let command: HandedOut['command'] | null = null;
  await eventually(async () => {
    command = await client.pollHostCommand(undefined, false);
    return command !== null;
  });
  const taken = command as unknown as HandedOut['command'];
  const { DeploymentSpecification } = await client.getDeploymentSpecification(taken.DeploymentExecutionId);
  const envelope = DeploymentSpecification?.GenericEnvelope;
  assert.ok(envelope, 'the server gave no specification');
  return { command: taken, envelope };
}

async function succeed(client: HostCommandClient, { HostCommandIdentifier: id }: HandedOut['command']): Promise<void> {
  await client.acknowledge(id, false);
  const diagnostics = { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' } as const;
  await client.complete(id, { status: 'Succeeded', diagnostics });
}

function pointAt(host: EnrolledHost, url: string): void {
  const text = readFileSync(host.configFile, 'utf8').replace(/^:?deploy_control_endpoint:.*$/m, '');
  assert.match(text, /^demand_signed_orders: true$/m);
  writeFileSync(host.configFile, `${text}\ndeploy_control_endpoint: ${url}\n`);
}

const bytesOf = ({ Payload: pem }: Envelope) => Buffer.from(decodePem('PKCS7', pem)?.[0] ?? []).toString('latin1');

/** The same bytes, but for one text in what was signed. */
function altered(envelope: Envelope, from: string, to: string): Envelope {
  const text = bytesOf(envelope);
  assert.ok(text.includes(from), `no ${from} in the specification`);
  return { ...envelope, Payload: encodePem('PKCS7', Buffer.from(text.replace(from, to), 'latin1')) };
}

/** The specification of the server, signed by another authority. */
async function signedByAnother(envelope: Envelope): Promise<Envelope> {
  const making = { nowMs: Date.now(), random: systemRandom, commonName: 'Slipway' };
  return createSealer(await issueSigner(await createSigningAuthority(making), making))(contentOf(envelope));
}

function contentOf(envelope: Envelope): string {
  const text = bytesOf(envelope);
  const from = text.indexOf('{"');
  for (let to = text.indexOf('}', from); to > 0; to = text.indexOf('}', to + 1)) {
    try {
      JSON.parse(text.slice(from, to + 1));
      return text.slice(from, to + 1);
    } catch {
      // The end of an inner object.
    }
  }
  throw new Error('no JSON in the envelope');
}

/** The genuine ones that the attacker has recorded. */
interface Recorded {
  readonly download: HandedOut;
  readonly install: HandedOut;
  readonly otherHost: HandedOut;
  readonly newer: HandedOut;
  readonly otherApplication: HandedOut;
}

/** Forged orders: why, the code that the agent must answer with, and the order. */
type Trick = readonly [string, string, HandedOut];

async function tricksWith(recorded: Recorded, hostArn: string): Promise<readonly Trick[]> {
  const { download, install, otherHost, newer, otherApplication } = recorded;
  const [code, envelope] = [(name: string) => `ENVELOPE_${name}`, install.envelope as Envelope];
  const made = (command: Partial<HandedOut['command']>, given: Envelope | undefined): HandedOut => ({
    command: { ...install.command, HostCommandIdentifier: `made-up-${randomUUID()}`, ...command },
    envelope: given,
  });
  const { HostCommandIdentifier: installId } = install.command;
  const update = { CommandName: 'UpdateDeploymentAgent' };
  return [
    ['an older event’s', code('OTHER_COMMAND'), { command: install.command, envelope: download.envelope }],
    ['its own, a second time', code('OTHER_COMMAND'), made({}, envelope)],
    ['an older deployment’s', code('OTHER_DEPLOYMENT'), { ...newer, envelope: download.envelope }],
    ['another application’s', code('OTHER_DEPLOYMENT'), made({}, otherApplication.envelope)],
    [
      'another host’s',
      code('OTHER_HOST'),
      { ...otherHost, command: { ...otherHost.command, HostIdentifier: hostArn } },
    ],
    ['an update by the order for Install', code('OTHER_COMMAND'), made(update, envelope)],
    ['an update by the altered order', code('SIGNATURE'), made(update, altered(envelope, installId, randomUUID()))],
    ['an update by nothing', code('MISSING'), made(update, undefined)],
    ['an altered bundle', code('SIGNATURE'), made({}, altered(envelope, 'real.tar', 'evil.tar'))],
    ['another authority’s', code('UNTRUSTED'), made({}, await signedByAnother(envelope))],
    ['not signed', code('FORMAT'), made({}, { Format: 'TEXT/JSON', Payload: contentOf(envelope) })],
  ];
}

const AT_ONCE = 2;

async function replays(ground: AttackGround): Promise<void> {
  const server = await ground.sharedServer();
  const admin = managementClient(server.url, keysOf(server.env));
  const host = await enrolHost(server, join(ground.folder, 'host'), `${TAG}-victim`, `Role=${TAG}`);
  const victim = stolen(server, host);
  const other = await handDrivenHost(server.url, admin, `${TAG}-other`, TAG);
  const [destination, updated, scripted] = ['site', 'updated', 'scripted'].map((name) => join(ground.folder, name));
  assert.ok(destination && updated && scripted);
  const ran = Object.fromEntries(
    ['BeforeInstall', 'AfterInstall', 'ApplicationStart'].map((event) => [
      event,
      `echo x > ${quoteForShell(scripted)}`,
    ]),
  );
  const folder = writeRevision(join(ground.folder, 'revision'), { destination, files: { a: 'x' }, scripts: ran });
  execFileSync('tar', ['-cf', join(ground.folder, 'real.tar'), '-C', folder, '.']);
  await using hostile = await orderingEndpoint();
  pointAt(host, hostile.url);
  appendFileSync(host.configFile, `update_command: ${JSON.stringify(shellCommand('touch', updated))}\n`);

  using mine = await deploymentDriver(server, TAG, `Role=${TAG}`);
  using others = await deploymentDriver(server, `${TAG}-2`, `Role=${TAG}`);
  const revision = await mine.store(join(ground.folder, 'real.tar'), 'real.tar', 'tar');
  const first = await mine.create(revision);
  const otherHost = await genuine(other.client);
  await succeed(victim.client, (await genuine(victim.client)).command);
  const download = await genuine(victim.client);
  let agent = ground.watch('agent', host.startAgent());
  const [fair] = await hostile.order([download]);
  assert.equal(fair?.status, 'Succeeded', `the genuine command, so the attack proves nothing: ${fair?.message}`);
  await succeed(victim.client, download.command);
  const install = await genuine(victim.client);
  await admin.call('StopDeploymentNow', { deploymentId: first });
  const second = await mine.create(revision);
  const newer = await genuine(victim.client);
  await admin.call('StopDeploymentNow', { deploymentId: second });
  const third = await others.create(revision);
  const otherApplication = await genuine(victim.client);
  await admin.call('StopDeploymentNow', { deploymentId: third });

  const recorded = { download, install, otherHost, newer, otherApplication };
  const tricks = await tricksWith(recorded, victim.hostArn);
  const reports: CommandReport[] = [];
  // An agent that has seen through some asks seldom, and never opens more than two before one was good: each two meet an agent anew.
  for (let next = 0; next < tricks.length; next += AT_ONCE) {
    agent.kill('SIGKILL');
    await agent.exited;
    agent = ground.watch('agent', host.startAgent());
    reports.push(...(await hostile.order(tricks.slice(next, next + AT_ONCE).map(([, , order]) => order))));
  }
  const said = reports.map(({ status, message }, index) => [
    tricks[index]?.[0],
    `${status} ${/\[(\w+)\]/.exec(message)?.[1]}`,
  ]);
  assert.deepEqual(
    said,
    tricks.map(([what, code]) => [what, `Failed ${code}`]),
  );
  for (const trace of [destination, updated, scripted]) assert.ok(!existsSync(trace), `${trace} is there`);
}

/** Each poll is answered at once with what the agent can do nothing with. */
const FLOODS: Readonly<Record<string, (hostArn: string) => unknown>> = {
  'commands without a specification': (hostArn) => broken(hostArn, randomUUID()),
  'the same command again and again': (hostArn) => broken(hostArn, 'the-same'),
  'commands for other hosts': () => broken('arn:aws:iam::000000000000:user/another', randomUUID()),
  'commands without a name': (hostArn) => ({ ...broken(hostArn, randomUUID()), CommandName: '' }),
};
const FLOOD_MS = 10_000;
const MOST_A_SECOND = 3;

function broken(hostArn: string, id: string) {
  return {
    HostIdentifier: hostArn,
    HostCommandIdentifier: id,
    DeploymentExecutionId: 'CodeDeploy/us-east-1/Prod/arn:aws:sds:us-east-1:0:deployment/d-ABCDEFGHI',
    CommandName: 'Install',
  };
}

function flood(what: string, command: (hostArn: string) => unknown): Attack {
  return {
    promise: 'a control endpoint takes little of a host with commands that cannot be carried out',
    name: `a control endpoint answers each poll at once with ${what}`,
    async run(ground) {
      const server = await ground.sharedServer();
      const name = `flooded-${createHash('sha256').update(what).digest('hex').slice(0, 8)}`;
      const host = await enrolHost(server, join(ground.folder, 'host'), name);
      const { hostArn } = stolen(server, host);
      await using hostile = await hostileEndpoint(async (operation) =>
        operation === 'PollHostCommand' ? { body: { HostCommand: command(hostArn) } } : null,
      );
      pointAt(host, hostile.url);
      ground.watch('agent', host.startAgent());
      await eventually(() => hostile.asked.size > 0);
      await delay(FLOOD_MS);
      const total = [...hostile.asked.values()].reduce((sum, count) => sum + count, 0);
      const most = (MOST_A_SECOND * FLOOD_MS) / 1000;
      assert.ok(total < most, `${total} requests in ${FLOOD_MS} ms: ${JSON.stringify([...hostile.asked])}`);
      assert.ok((hostile.asked.get('PollHostCommand') ?? 0) > 1, 'the agent has given up');
    },
  };
}

/** Answers of an endpoint that is broken or wants to be asked again and again. Never: it does not answer at all. */
const BROKEN_ANSWERS: Readonly<Record<string, HostileAnswer | 'never'>> = {
  'with an error of its own': { status: 500, body: { __type: 'InternalFailure' } },
  'with no JSON': { body: '<html>' },
  'with a redirect to itself': { status: 302, headers: { location: '/' }, body: '' },
  'by cutting the connection': { isCut: true, body: '' },
  'by a throttle': { status: 429, headers: { 'retry-after': '2' }, body: '' },
  never: 'never',
};
/** As docs/architecture.md states it for commands that cannot be carried out; a connection that was kept is tried twice. */
const MOST_IN_FLOOD = 28;

async function brokenAnswers(ground: AttackGround): Promise<void> {
  const server = await ground.sharedServer();
  await using endpoints = new AsyncDisposableStack();
  const never = new Promise<never>(() => undefined);
  const floods: Promise<unknown>[] = [];
  for (const [index, [what, answer]] of Object.entries(BROKEN_ANSWERS).entries()) {
    const host = await enrolHost(server, join(ground.folder, `host-${index}`), `broken-${index}`);
    const { hostArn } = stolen(server, host);
    const endpoint = await hostileEndpoint((operation) => {
      if (operation === 'PollHostCommand')
        return Promise.resolve({ body: { HostCommand: broken(hostArn, randomUUID()) } });
      return answer === 'never' ? never : Promise.resolve(answer);
    });
    endpoints.use(endpoint);
    pointAt(host, endpoint.url);
    ground.watch('agent', host.startAgent());
    floods.push(
      requireFew(what, endpoint).then(
        () => null,
        (error: unknown) => error,
      ),
    );
  }
  for (const error of await Promise.all(floods)) if (error !== null) throw error;
}

async function requireFew(what: string, { asked }: HostileEndpoint): Promise<void> {
  await eventually(() => asked.size > 0);
  await delay(FLOOD_MS);
  const total = [...asked.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(total <= MOST_IN_FLOOD, `${total} requests, answered ${what}: ${JSON.stringify([...asked])}`);
  assert.ok((asked.get('GetDeploymentSpecification') ?? 0) > 0, `no specification was asked for, answered ${what}`);
}

export const ORDER_ATTACKS: readonly Attack[] = [
  {
    promise: 'an order counts for this host, this command and this moment',
    name: 'a control endpoint with the host’s own key replays, alters and makes up specifications',
    limitSeconds: 120,
    run: replays,
  },
  {
    promise: 'a flood is answered with a pause, whatever is answered to what',
    name: 'six control endpoints hand out a command with each poll, and answer all other requests with errors, redirects, cuts, or never',
    limitSeconds: 90,
    run: brokenAnswers,
  },
  ...Object.entries(FLOODS).map(([what, command]) => flood(what, command)),
];
