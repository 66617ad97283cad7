/** The control server: makes the real context, migrates, listens. */

import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import { gathered } from '../system/gathered.ts';
import type { Random } from '../system/random.ts';
import type { ApiContext } from './api/context.ts';
import { keepRevisionChange } from './audit/s3-changes.ts';
import { createHeardOf } from './commands/heard-of.ts';
import { createHostCommandService } from './commands/host-commands.ts';
import { createHostLogs } from './commands/host-logs.ts';
import { createPacedAnswers } from './commands/paced-answers.ts';
import { type Connections, createConnections } from './connections/connections.ts';
import type { TrustedProxies } from './connections/forwarded.ts';
import { connectionLimits } from './connections/limits.ts';
import { type Listener, listenAt } from './connections/listener.ts';
import { areFilesUsedUp, openFilesLimit } from './connections/open-files.ts';
import { createRates, NO_RATE_LIMITS, type RateLimits } from './connections/rates.ts';
import { openDataFolder } from './data-folder.ts';
import { startArrivalsWatch } from './engine/arrivals-watch.ts';
import { type Engine, startEngine } from './engine/engine.ts';
import { neededObjects } from './engine/needed-objects.ts';
import { startPowerWatch } from './engine/power-watch.ts';
import { type RetentionPeriods, startRetention } from './engine/retention.ts';
import type { KnownBalancers } from './engine/settings.ts';
import { createWaiters } from './engine/waiters.ts';
import { createConsoleDoor } from './http/console/console-door.ts';
import { createConsoleFiles } from './http/console/files.ts';
import { createStreams } from './http/console/streams.ts';
import { stateOfTopic } from './http/console/topics.ts';
import { createHealthDoor, type HealthContext } from './http/health-door.ts';
import { createHttpServer, type HttpServer } from './http/http-server.ts';
import { createQueryDoor } from './http/query-door.ts';
import { createTurns } from './http/turns.ts';
import { createAlarms } from './outside/alarms.ts';
import { ALARM, readAlarmsFile } from './outside/alarms-file.ts';
import { createAwsRegions } from './outside/aws/aws.ts';
import { balancersInAws } from './outside/aws/balancer-in-aws.ts';
import { createCloudWatchReader } from './outside/aws/cloudwatch.ts';
import { createCopiedGroups } from './outside/aws/copied-groups.ts';
import { createFleetReader, createGroupFinder } from './outside/aws/fleet.ts';
import { createInstanceEnd } from './outside/aws/instance-end.ts';
import { createObjectReader } from './outside/aws/s3-object.ts';
import { createObjectOpener } from './outside/aws/s3-ranges.ts';
import { createScalingActions } from './outside/aws/scaling-actions.ts';
import { createTopics } from './outside/aws/sns.ts';
import { BALANCER, readBalancersFile } from './outside/balancers-file.ts';
import { describeSettings } from './outside/described-settings.ts';
import { type FindFleetPrograms, NO_PROGRAMS } from './outside/fleet-programs.ts';
import { readFleetsFile } from './outside/fleets-file.ts';
import { readHooksFile } from './outside/hooks-file.ts';
import type { LoadBalancer } from './outside/load-balancer.ts';
import { createNoticeTargets } from './outside/notice-targets.ts';
import type { OidcProvider } from './outside/oidc/provider.ts';
import { readOidcFile } from './outside/oidc/settings.ts';
import type { ReadObject } from './outside/revision-object.ts';
import { readWebhooksFile, WEBHOOK } from './outside/webhooks-file.ts';
import { createRevisionDoor, type RevisionDoor } from './s3/s3-server.ts';
import { createTransfers } from './s3/transfers.ts';
import { openSealer } from './secrets/open-sealer.ts';
import { rememberedSigningKeys } from './secrets/remembered.ts';
import { openSigning } from './secrets/signing.ts';
import { findKnownAccessKeys } from './store/access-keys.ts';
import { databaseClock } from './store/database-clock.ts';
import { forgetLeases } from './store/orders.ts';
import { openStore, type Store, TOGETHER } from './store/store.ts';
import { createMetricsText, type MetricsTextContext } from './telemetry/metrics-text.ts';
import { observedEngine, observedHostCommands, observedStore } from './telemetry/observed.ts';
import { createReadiness } from './telemetry/readiness.ts';
import { createServerMetrics } from './telemetry/server-metrics.ts';
import { authoritySha256, requireTlsFiles } from './tls-files.ts';
import { createBell } from './work/bell.ts';
import { copyHandlers } from './work/copy-orders.ts';
import { fleetHandlers, PACE_OF_PROGRAMS } from './work/fleet-orders.ts';
import { PACE_OF_HOOKS } from './work/hook-orders.ts';
import { instanceHandlers } from './work/instance-orders.ts';
import { createLookInside } from './work/look-inside/look-inside.ts';
import { startNoticeSender } from './work/send-notices.ts';
import { shiftHandlers } from './work/shift-handlers.ts';
import { trafficHandlers, trafficKeepers } from './work/traffic-orders.ts';
import { startAlarmWatch } from './work/watch-alarms.ts';
import { startClockWatch } from './work/watch-clock.ts';
import { startDividedWatch } from './work/watch-divided.ts';
import { startFleetWatch } from './work/watch-fleets.ts';
import { removeHooks, startHookWatch } from './work/watch-hooks.ts';
import { startLaunchWatch } from './work/watch-launches.ts';
import { startSuspensionWatch } from './work/watch-suspensions.ts';
import { startWorker } from './work/worker.ts';

export interface ServerOptions {
  readonly dataDir: string;
  /** PostgreSQL; else the embedded database in the data folder. */
  readonly databaseUrl?: string;
  readonly host: string;
  readonly port: number;
  /** A port of its own for the S3 API, which else answers on the one address with everything. */
  readonly s3Listen?: { readonly host: string; readonly port: number };
  /** The S3 API as hosts see it, where it is at another address than the one that they know. */
  readonly publicS3Endpoint?: string;
  /** Host name behind those of buckets (`BUCKET.domain`); without it every request names its bucket in the path. */
  readonly s3Domain?: string;
  /** A port for /metrics, /healthz and /readyz, over plain HTTP and without signatures. */
  readonly metricsListen?: { readonly host: string; readonly port: number };
  readonly region: string;
  readonly accountId: string;
  /** Name of the tag whose value is a host's zone; else `zone`. */
  readonly zoneTag?: string;
  /** File with the load balancers that deployment groups name; without it those names have no meaning. */
  readonly loadBalancersFile?: string;
  /** The region of AWS that the server asks about load balancers and alarms; without it it asks nothing there. */
  readonly awsRegion?: string;
  /** Length of a minute in the schedules of traffic, in ms; without it a minute. For rehearsals: everything else keeps its time. */
  readonly trafficMinuteMs?: number;
  /** Whether an ECS service may have several pairs of target groups, which CodeDeploy does not have; without it it may not. */
  readonly takesSeveralPairs?: boolean;
  /** File with the alarms that deployment groups name; other names are CloudWatch's, where there is a region. */
  readonly alarmsFile?: string;
  /** Where notices go by what triggers of deployment groups call their targets; without it to topics of SNS alone. */
  readonly webhooksFile?: string;
  /** Programs that make and end hosts for deployment groups; without it nothing does. */
  readonly fleetsFile?: string;
  /** Webhooks and programs that AppSpec files name in place of functions; without it all hooks are functions. */
  readonly hooksFile?: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** How long what has ended is kept; without it for ever. */
  readonly retention?: RetentionPeriods;
  /** false: hosts are not asked for what scripts write while they run, and nothing of it is taken. */
  readonly liveLogs?: boolean;
  /** Proxies in front of the server, whose X-Forwarded-For is believed; without them that header is not read. */
  readonly trustedProxies?: TrustedProxies;
  /** Limits on requests; without them there are none. */
  readonly rates?: RateLimits;
  /** File with the OpenID Connect provider that signs people in to the console; without it access keys alone do. */
  readonly oidcFile?: string;
  /** Folder that the build of the console writes; the server says so on the page while it is not there. */
  readonly consoleDir: string;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RunningServer {
  readonly url: string;
  /** Address of the S3 API: the same, unless that has a port of its own. */
  readonly s3Url: string;
  /** null: there are no metrics. */
  readonly metricsUrl: string | null;
  close(): Promise<void>;
}

/** Where `slipway push` puts revisions unless told otherwise. */
export const REVISION_BUCKET = 'revisions';

/** A caller who is rid of a group waits so long for its hooks; those that are left are removed anyway. */
const HOOK_REMOVAL_MS = 3_000;

const TRAFFIC_MINUTE_MS = 60_000;

export const DEFAULT_ZONE_TAG = 'zone';

const KEEP_ALL: RetentionPeriods = { deploymentsMs: null, diagnosticsMs: null, revisionsMs: null, auditMs: null };

/** @throws SlipwayError SERVER_… when something that the start needs is missing; nothing runs then */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { dataDir, clock, random, log } = options;
  if (options.tls !== undefined) requireTlsFiles(options.tls);
  const { loadBalancersFile } = options;
  const awsIn = createAwsRegions({ clock, env: process.env });
  const aws = options.awsRegion === undefined ? null : awsIn(options.awsRegion);
  const balancers: ReadonlyMap<string, LoadBalancer> =
    loadBalancersFile === undefined ? new Map() : readBalancersFile(loadBalancersFile, { clock, aws });
  const { alarmsFile, awsRegion = null } = options;
  const alarms = createAlarms(
    alarmsFile === undefined ? new Map() : readAlarmsFile(alarmsFile, awsRegion),
    awsRegion,
    createCloudWatchReader((region) => awsIn(region).cloudWatch()),
  );
  const { webhooksFile } = options;
  const targets = createNoticeTargets(
    webhooksFile === undefined ? new Map() : readWebhooksFile(webhooksFile, clock),
    createTopics((region) => awsIn(region).topics()),
  );
  const { fleetsFile } = options;
  const findPrograms: FindFleetPrograms =
    fleetsFile === undefined ? () => NO_PROGRAMS : readFleetsFile(fleetsFile).find;
  const { hooksFile } = options;
  const hooks = hooksFile === undefined ? new Map() : readHooksFile(hooksFile, clock);
  const provider = options.oidcFile === undefined ? null : await openProvider(options.oidcFile);
  const described = {
    loadBalancers: describeSettings(loadBalancersFile, BALANCER),
    alarms: describeSettings(alarmsFile, ALARM),
    noticeTargets: describeSettings(webhooksFile, WEBHOOK, 'webhook'),
  };
  const lock = openDataFolder(dataDir);
  const opened: { close(): Promise<void> }[] = [];
  let isStopping = false;
  const closeAll = async () => {
    isStopping = true;
    for (const part of opened.reverse()) await part.close();
    lock.release();
  };
  try {
    const place = options.databaseUrl === undefined ? { dataDir } : { databaseUrl: options.databaseUrl };
    const metrics = createServerMetrics();
    const elapsedMs = () => performance.now();
    const store: Store = observedStore(await openStore(place, log), metrics, elapsedMs);
    opened.push(store);
    // The data folder is this server's alone: the leases are those of a server that was killed, and are not waited for.
    if (store.dialect === 'sqlite') await store.transaction(forgetLeases);
    const { sealer, lost } = await openSealer({ store, dataDir, random });
    if (lost.keys.length > 0) {
      const what = 'access keys were not sealed with this master key and cannot be used; make new ones';
      log.warn(what, { lostKeys: lost.keys });
    }
    if (lost.gitTokens.length > 0) {
      const what = 'tokens for git hosts were not sealed with this master key and cannot be used; add them once more';
      log.warn(what, { names: lost.gitTokens });
    }
    const findKey = async (id: string) => (await findKnownAccessKeys(store.db, sealer, [id]))[0] ?? null;
    const signing = await openSigning({ store, sealer, dataDir, clock, random });
    const waiters = createWaiters();
    const base = { store, waiters, clock, random, log };
    const bell = createBell();
    const engine: Engine = observedEngine(await startEngine({ ...base, onOrders: bell.ring }), metrics, elapsedMs);
    opened.push(engine);
    const inAws = aws === null ? {} : { inAws: balancersInAws(aws) };
    const traffic = { store, clock, balancers, ...inAws };
    const [handlers, keepers] = [trafficHandlers(traffic), trafficKeepers(traffic)];
    const leaseClock = databaseClock(store, clock);
    const programs = fleetHandlers({ store, clock, findPrograms });
    const copies =
      aws === null
        ? {}
        : {
            ...copyHandlers({ store, clock, groups: createCopiedGroups(aws), readFleet: createFleetReader(aws) }),
            ...instanceHandlers({ store, clock, instances: createInstanceEnd(aws) }),
          };
    const transfers = createTransfers();
    const scaling = aws === null ? null : { ...base, actions: createScalingActions(aws) };
    opened.push(
      startClockWatch({ ...base, sharedClock: leaseClock, bell, elapsedMs }),
      startAlarmWatch({ ...base, engine, alarms }),
      ...(aws === null ? [] : [startFleetWatch({ ...base, engine, readFleet: createFleetReader(aws) })]),
      ...(scaling === null
        ? []
        : [
            startHookWatch(scaling),
            startLaunchWatch({ ...scaling, engine }),
            startSuspensionWatch({ ...scaling, engine }),
          ]),
      startArrivalsWatch({ ...base, engine, asksAws: aws !== null }),
      startNoticeSender({
        ...{
          ...base,
          leaseClock,
          targets,
          region: options.region,
          accountId: options.accountId,
          count: metrics.notices,
        },
      }),
      startPowerWatch({ ...base, transfers }),
      startRetention({ ...base, periods: options.retention ?? KEEP_ALL }),
    );
    const tls = options.tls ?? null;
    const connections = createConnections({
      ...{ limits: connectionLimits(openFilesLimit()), clock, log, areFilesUsedUp },
      trustedProxies: options.trustedProxies ?? [],
    });
    const rates = createRates(options.rates ?? NO_RATE_LIMITS, { nowMs: elapsedMs, onThrottled: metrics.throttled });
    const revisions = createRevisionDoor({
      ...{ dataDir, findKey, rates, transfers, clock, random, log, connections, tls, buckets: [REVISION_BUCKET] },
      noteChange: (change) => keepRevisionChange({ store, clock }, change),
      neededBy: (hostArn) => neededObjects(store.db, hostArn),
      isShared: options.databaseUrl !== undefined,
      accountId: options.accountId,
      names: namesOf(options),
      domain: options.s3Domain ?? null,
    });
    opened.push(revisions);
    const shifts =
      aws === null
        ? null
        : shiftHandlers({
            ...{ store, clock, awsIn, region: aws.region, hooks },
            readObject: readObjectBy(revisions, aws.region),
          });
    opened.push(
      startWorker({
        ...{ ...base, engine, bell, keepers, leaseClock },
        handlers: { ...handlers, ...copies, ...shifts?.ofTraffic },
      }),
      ...(shifts === null
        ? []
        : [
            startWorker({ ...base, engine, bell, handlers: shifts.ofHooks, leaseClock, pace: PACE_OF_HOOKS }),
            startDividedWatch({ ...base, ...shifts.reading }),
          ]),
      startWorker({ ...base, engine, bell, handlers: programs, leaseClock, pace: PACE_OF_PROGRAMS }),
    );
    const s3: Listener | null =
      options.s3Listen === undefined ? null : await listenAt({ connections, tls }, options.s3Listen, revisions.answer);
    if (s3 !== null) opened.push(s3);
    const known = {
      rates,
      findKey: gathered({ ...TOGETHER, work: (ids: readonly string[]) => findKnownAccessKeys(store.db, sealer, ids) }),
      signingKeyOf: rememberedSigningKeys(),
    };
    const identity = createQueryDoor({
      ...{ ...known, clock, random, log, connections },
      identity: { ...base, engine, sealer, accountId: options.accountId },
    });
    const readiness = createReadiness({ store, clock, log, isStopping: () => isStopping });
    const { version, metricsListen } = options;
    const monitored = { readiness, metrics, store, waiters, clock, log, connections, version };
    const monitoring = metricsListen === undefined ? null : await openMetrics(monitored, metricsListen);
    if (monitoring !== null) opened.push(monitoring);
    const heardOf = createHeardOf(base);
    opened.push(heardOf);
    const { liveLogs = true } = options;
    const answers = createPacedAnswers({ now: elapsedMs, sleep: (ms) => clock.sleep(ms) });
    const hostCommands = createHostCommandService({
      ...{ ...base, engine, sealer, heardOf, answers, accountId: options.accountId, signer: signing.signer, liveLogs },
    });
    const hostLogs = liveLogs ? createHostLogs({ store, clock, elapsedMs }) : null;
    const turns = createTurns({ afterTurn: setImmediate, now: elapsedMs });
    const streams = createStreams({ clock, elapsedMs, look: (topic) => stateOfTopic(store.db, topic) });
    const api: ApiContext = {
      store,
      engine,
      waiters,
      sealer,
      clock,
      random,
      region: options.region,
      accountId: options.accountId,
      zoneTag: options.zoneTag ?? DEFAULT_ZONE_TAG,
      trafficMinuteMs: options.trafficMinuteMs ?? TRAFFIC_MINUTE_MS,
      takesSeveralPairs: options.takesSeveralPairs ?? false,
      asksAws: aws !== null,
      planShift: shifts?.plan ?? noPlan,
      tryHook: shifts?.tryHook ?? noPlan,
      findMissingAutoScalingGroups: aws === null ? null : createGroupFinder(aws),
      removeHooks: scaling === null ? null : (groupId) => removeHooks(scaling, groupId, HOOK_REMOVAL_MS),
      balancers: aws === null ? new Set(balancers.keys()) : withThoseOfAws(balancers),
      alarms,
      handsOf: (...group) => {
        const { provision, terminate } = findPrograms(...group);
        return { provision: provision !== null, terminate: terminate !== null };
      },
      knowsTarget: (target) => targets.find(target) !== null,
      described,
      lookInside: createLookInside((bucket) =>
        revisions.hasBucket(bucket) ? revisions.open : aws === null ? null : createObjectOpener(aws.region),
      ),
      server: {
        version: options.version,
        s3Endpoint: options.publicS3Endpoint ?? null,
        revisionBucket: REVISION_BUCKET,
        hasBucket: revisions.hasBucket,
        signerCaCertificatePem: signing.caCertificatePem,
        authoritySha256: () => (tls === null ? null : authoritySha256(tls.certFile)),
      },
    };
    const consoleDoor = createConsoleDoor({
      ...{ ...known, api, store, clock, random, log, connections, streams, sealer, provider, isTls: tls !== null },
      files: createConsoleFiles(options.consoleDir),
      turn: () => turns.take('other'),
    });
    const http: HttpServer = createHttpServer({
      api,
      hostCommands: observedHostCommands(hostCommands, metrics),
      hostLogs,
      ...known,
      clock,
      random,
      log,
      connections,
      turns,
      doors: {
        identity,
        revisions: revisions.answer,
        health: createHealthDoor({ readiness, log, metrics: null }),
        console: consoleDoor,
      },
      tls,
      onEnd: metrics.request,
    });
    const url = await http.listen(options.host, options.port);
    // The streams first, because the door waits for the answers that are under way.
    opened.push(http, connections, streams);
    const s3Url = s3?.url ?? url;
    const metricsUrl = monitoring?.url ?? null;
    log.info('the control server is ready', { url, s3Url, metricsUrl, dataDir, database: store.dialect });
    return { url, s3Url, metricsUrl, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** A server without AWS has no application that could ask for a plan or have a hook tried, or refuses the request before. */
async function noPlan(): Promise<never> {
  throw new Error('a deployment was to be planned, or a hook tried, by a server that asks no AWS');
}

/** Its library is loaded only where it is used. @throws SlipwayError CONFIG_… */
async function openProvider(oidcFile: string): Promise<OidcProvider> {
  const settings = readOidcFile(oidcFile);
  const { createOidcProvider } = await import('./outside/oidc/provider.ts');
  return createOidcProvider(settings, { elapsedMs: () => performance.now() });
}

/** A bucket of the server's own store is meant before one of S3 with the same name. */
function readObjectBy(revisions: Pick<RevisionDoor, 'hasBucket' | 'read'>, region: string): ReadObject {
  const ofAws = createObjectReader(region);
  return (place, maxBytes, signal) =>
    revisions.hasBucket(place.bucket) ? revisions.read(place, maxBytes) : ofAws(place, maxBytes, signal);
}

/** Whether AWS has a load balancer is found out when a host is to leave it. */
function withThoseOfAws(balancers: ReadonlyMap<string, LoadBalancer>): KnownBalancers {
  return { has: () => true, size: balancers.size, [Symbol.iterator]: () => balancers.keys() };
}

/** @throws SlipwayError SERVER_CANNOT_LISTEN */
async function openMetrics(
  ctx: MetricsTextContext & Omit<HealthContext, 'metrics'> & { readonly connections: Connections },
  address: NonNullable<ServerOptions['metricsListen']>,
): Promise<Listener> {
  const figures = createMetricsText(ctx);
  const door = createHealthDoor({ ...ctx, metrics: figures.text });
  const listener = await listenAt({ connections: ctx.connections, tls: null }, address, door);
  return {
    url: listener.url,
    async close() {
      await listener.close();
      await figures.close();
    },
  };
}

/** Host names by which this server is known to be reached. */
function namesOf({ host, s3Listen, publicS3Endpoint, s3Domain }: ServerOptions): readonly string[] {
  const publicName = URL.parse(publicS3Endpoint ?? '')?.hostname;
  return [host, s3Listen?.host, publicName, s3Domain].flatMap((name) => name?.toLowerCase() ?? []);
}
