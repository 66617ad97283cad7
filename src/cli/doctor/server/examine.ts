/** Everything that `slipway server doctor` looks at, in the order in which it is told. */

import { messageOf, systemErrorCode } from '../../../errors.ts';
import { newestInstant } from '../../../server/store/look.ts';
import { shellCommand } from '../../../system/shell-word.ts';
import type { ListenAddress } from '../../arguments.ts';
import type { CliContext } from '../../context.ts';
import type { ServerOptions } from '../../server-options.ts';
import { unitText } from '../../service/properties.ts';
import { type Finding, fail, ok, warn } from '../check.ts';
import { judgeSkew } from '../clock-skew.ts';
import { ageOf, isHalted, remedyOfHang } from '../process.ts';
import { credentialFilesOf } from '../service-environment.ts';
import { lookAtService } from '../service-state.ts';
import { lookAtAnswer } from './answer.ts';
import { type LookedAtCertificate, lookAtCertificate } from './certificate.ts';
import { lookAtDatabase } from './database.ts';
import { lookAtServerFiles } from './files.ts';
import { lookAtHosts } from './hosts.ts';
import { lookAtMasterKey } from './master-key.ts';
import { lookAtNamedFiles } from './named-files.ts';
import { lookAtOpenFiles } from './open-files.ts';
import { lookAtPort, shownListenAddress } from './ports.ts';
import { findServerSetup, SERVER_SERVICE, type ServerSetup } from './setup.ts';
import { lookAtTraffic } from './traffic.ts';

/** A server opens its database and is ready within seconds. */
const STARTING_MS = 30_000;
/** Stored instants that are later than now by this much show that the clock was set back; milliseconds. */
const NO_LATER_MS = 60_000;

interface Looked extends ServerSetup {
  readonly options: ServerOptions;
}

/** @param given flags of `slipway server`, each as `--name=value` @param caFile whom hosts trust; null: not known */
export async function examineServer(
  ctx: CliContext,
  given: readonly string[],
  caFile: string | null,
): Promise<readonly Finding[]> {
  const setup = await findServerSetup(ctx, given);
  const { options } = setup;
  const process = await lookAtProcess(setup);
  if (options === null) return [...process, ...setup.findings];
  const looked: Looked = { ...setup, options };
  const certificate = await certificateOf(ctx, looked, caFile);
  return [
    ...process,
    ...setup.findings,
    ok('settings', `data folder ${options.dataDir}, API on ${shownListenAddress(options.listen)}`),
    ...lookAtNamedFiles(options, looked.user, ctx.clock),
    ...(await guarded('folders', async () => lookAtServerFiles(options.dataDir, looked))),
    ...(await guarded('database', () => lookAtState(ctx, looked))),
    ...certificate.findings,
    ...(await guarded('ports', () => lookAtDoors(ctx, looked, certificate.fingerprint))),
  ];
}

/** Turns a refusal by the system into a warning, so that the other checks still run. */
async function guarded(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    const remedy = 'Run the doctor as root, or as the server’s user.';
    return [warn(check, `cannot be looked at: ${messageOf(error)}`, remedy)];
  }
}

/** The service, or the server that somebody started by hand. */
async function lookAtProcess({ service, pid, findings, options }: ServerSetup): Promise<readonly Finding[]> {
  const ofService = service === null ? [] : await lookAtService(service, SERVER_SERVICE, 'slipway server install');
  if (pid !== null) return [...ofService, running(pid)];
  if (ofService.some(({ status }) => status === 'fail') || findings.some(({ check }) => check === 'server')) {
    return ofService;
  }
  if (service !== null && Number(service['MainPID'] ?? 0) > 0) {
    const remedy = `Ask again in a few seconds; \`journalctl -u ${SERVER_SERVICE} -f\` shows what it waits for.`;
    return [...ofService, warn('server', 'is being started', remedy)];
  }
  const start =
    service === null
      ? `\`slipway server install\`, or \`${shellCommand('slipway', 'server', ...(options === null ? [] : ['--data-dir', options.dataDir]))}\``
      : `\`systemctl start ${SERVER_SERVICE}\``;
  return [...ofService, fail('server', 'does not run: no host and no person gets an answer', `Start it: ${start}.`)];
}

function running(pid: number): Finding {
  if (isHalted(pid)) {
    return fail('server', `PID ${pid} is halted and answers nobody`, hangRemedy(pid, 'a restart'));
  }
  return ok('server', `runs as PID ${pid}`);
}

function hangRemedy(pid: number, restart: string): string {
  return remedyOfHang(pid, restart, 'the data folder', 'what was committed is in the database, and deployments go on');
}

/** Database, master key, clock, hosts, limits. */
async function lookAtState(ctx: CliContext, looked: Looked): Promise<readonly Finding[]> {
  const { options, pid, user, service } = looked;
  const { findings, store, isCurrent } = await lookAtDatabase(options, pid);
  try {
    const key = { dataDir: options.dataDir, user, random: ctx.random, store: isCurrent ? store : null };
    const ofKey = await lookAtMasterKey(key);
    if (store === null || !isCurrent) return [...findings, ...ofKey, ...lookAtOpenFiles(pid, service, 0)];
    const nowMs = ctx.clock.now();
    const hosts = await lookAtHosts(store, { nowMs, serverAgeMs: pid === null ? null : ageOf(pid) });
    return [
      ...findings,
      ...ofKey,
      ...(await lookAtClock(store, nowMs)),
      ...hosts.findings,
      ...(await lookAtTraffic(store)),
      ...lookAtOpenFiles(pid, service, hosts.count),
    ];
  } finally {
    await store?.close();
  }
}

/** Compares the clock with the instants that the server has written down, which cannot be later than now. */
async function lookAtClock(store: Parameters<typeof newestInstant>[0], nowMs: number): Promise<Finding[]> {
  const newestMs = await newestInstant(store);
  if (newestMs === null || newestMs - nowMs <= NO_LATER_MS) return [];
  return [judgeSkew(nowMs - newestMs, 'what the database holds (polls of hosts, deployments)')];
}

async function certificateOf(
  ctx: CliContext,
  { options, user, env, service }: Looked,
  caFile: string | null,
): Promise<LookedAtCertificate> {
  const { tlsCert: certFile, tlsKey: keyFile } = options;
  if (certFile === undefined || keyFile === undefined) {
    return { findings: withoutTls(options), fingerprint: null };
  }
  const handedOver = service === null ? [] : credentialFilesOf(await unitText(SERVER_SERVICE));
  const facts = { certFile, keyFile, user, handedOver, nowMs: ctx.clock.now(), names: namesOf(options), env, caFile };
  return lookAtCertificate(facts);
}

/** Without a certificate only this machine may talk to it: agents refuse http elsewhere. */
function withoutTls({ listen }: ServerOptions): Finding[] {
  if (/^(127\.|::1$|localhost$)/.test(listen.host)) return [];
  return [
    warn(
      'certificate',
      `none is configured, and the API listens on ${shownListenAddress(listen)}: agents refuse http to other machines`,
      'Set --tls-cert and --tls-key (SLIPWAY_TLS_CERT, SLIPWAY_TLS_KEY), or have a proxy speak TLS in front of it.',
    ),
  ];
}

const S3_LISTEN = '--s3-listen (SLIPWAY_S3_LISTEN)';
const METRICS_LISTEN = '--metrics-listen (SLIPWAY_METRICS_LISTEN)';
const PUBLIC_S3_ENDPOINT = '--public-s3-endpoint (SLIPWAY_PUBLIC_S3_ENDPOINT)';

/** Returns the names by which hosts call the server, as the settings say. */
function namesOf({ listen, s3Listen, s3Domain, publicS3Endpoint }: ServerOptions) {
  const publicHost = URL.parse(publicS3Endpoint ?? '')?.hostname.replace(/^\[|\]$/g, '');
  const named = [
    { host: listen.host, setting: '--listen (SLIPWAY_LISTEN)' },
    { host: publicHost ?? s3Listen?.host, setting: publicHost === undefined ? S3_LISTEN : PUBLIC_S3_ENDPOINT },
    // Any bucket will do: a certificate for one is for all of them.
    { host: s3Domain && `revisions.${s3Domain}`, setting: '--s3-domain (SLIPWAY_S3_DOMAIN)' },
  ];
  const names = named.flatMap(({ host = '', setting }) =>
    host === '' || /^(0\.0\.0\.0|::|0)$/.test(host) ? [] : [{ host, setting }],
  );
  // One address is complained of once.
  return names.filter(({ host }, index) => names.findIndex((other) => other.host === host) === index);
}

async function lookAtDoors(ctx: CliContext, looked: Looked, certificate: string | null): Promise<readonly Finding[]> {
  const { options, pid, user, service } = looked;
  const restart = service === null ? 'a restart of the server' : `\`systemctl restart ${SERVER_SERVICE}\``;
  const isYoung = pid !== null && (ageOf(pid) ?? 0) < STARTING_MS;
  const findings: Finding[] = [];
  for (const [kind, address, setting] of [
    ['API', options.listen, '--listen (SLIPWAY_LISTEN)'],
    ['S3', options.s3Listen, S3_LISTEN],
    ['metrics', options.metricsListen, METRICS_LISTEN],
  ] as const) {
    if (address === undefined) continue;
    const port = await lookAtPort({ address, setting, pid, user });
    const isLate = isYoung && port.finding.status === 'fail' && /does not listen/.test(port.finding.detail);
    findings.push(
      isLate ? warn(port.finding.check, 'the server is starting', 'Ask again in half a minute.') : port.finding,
    );
    // The port for metrics knows no signed requests, and says over plain HTTP what the other ones are asked for here.
    if (kind === 'metrics' || !port.isOwn || pid === null || isHalted(pid)) continue;
    const url = new URL(
      `${options.tlsCert === undefined ? 'http' : 'https'}://${reachable(shownListenAddress(address))}/`,
    );
    const hang = hangRemedy(pid, restart);
    findings.push(
      ...(await lookAtAnswer({ kind, url, certificate, restart, remedyOfHang: hang, nowMs: ctx.clock.now() })),
    );
  }
  return [...withSamePort(options), ...findings, ...lookAtPublicAddress(options)];
}

/** An address that stands for all is reached by the loopback's. */
function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

function withSamePort({ listen, s3Listen, metricsListen }: ServerOptions): Finding[] {
  const isSame = (one: ListenAddress | undefined, other: ListenAddress | undefined) =>
    one !== undefined && one.port !== 0 && one.port === other?.port && one.host === other.host;
  const address = shownListenAddress(listen);
  const findings: Finding[] = [];
  if (isSame(listen, s3Listen)) {
    const remedy = `Leave ${S3_LISTEN} out: both APIs answer there without it.`;
    findings.push(fail('settings', `both APIs are to have ${address} for themselves`, remedy));
  }
  if (metricsListen !== undefined && (isSame(metricsListen, listen) || isSame(metricsListen, s3Listen))) {
    const detail = `${shownListenAddress(metricsListen)} is to be for metrics, and for an API`;
    findings.push(fail('settings', detail, `Name another port in ${METRICS_LISTEN}.`));
  }
  return findings;
}

/** The server tells hosts and people where the S3 API is, if it is elsewhere. */
function lookAtPublicAddress({ publicS3Endpoint, listen, s3Listen, tlsCert }: ServerOptions): Finding[] {
  const check = 'public S3 address';
  const setting = PUBLIC_S3_ENDPOINT;
  // Hosts then use the address that they know.
  if (publicS3Endpoint === undefined || publicS3Endpoint === '') return [];
  const url = URL.parse(publicS3Endpoint);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return [fail(check, `'${publicS3Endpoint}' is no address`, `Write ${setting} as https://HOST:PORT.`)];
  }
  // In front of a server without TLS a proxy may speak it; the other way around nothing works.
  const isOwnPort = [listen.port, s3Listen?.port].includes(Number(url.port || 80));
  if (tlsCert !== undefined && url.protocol === 'http:' && isOwnPort) {
    return [fail(check, `${publicS3Endpoint} says http, and the S3 API speaks TLS`, `Write ${setting} with https://.`)];
  }
  return [ok(check, publicS3Endpoint)];
}
