/** Runs the agent. It makes everything that the agent needs, puts right what a restart broke off, and polls until it is told to end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from '../config/agent-config.ts';
import { folderModes, restrictFolders } from '../deployment/folder-modes.ts';
import { isUntrusted, messageOf, SlipwayError } from '../errors.ts';
import type { HostIdentity } from '../identity/resolve-identity.ts';
import type { ClosableLogger } from '../logging/create-logger.ts';
import { createHostCommandClient, type HostCommandClient } from '../protocol/host-command/client.ts';
import { proxyFor } from '../protocol/proxy.ts';
import { renderExchange } from '../protocol/wire-log.ts';
import { steadyClock, systemClock } from '../system/clock.ts';
import { collectHeap } from '../system/collect-heap.ts';
import { systemRandom } from '../system/random.ts';
import { notifyServiceManager } from '../system/service-manager.ts';
import { fileFault } from '../system/system-remedies.ts';
import { createNarrowTrust } from '../system/trust.ts';
import { tellingExecutors } from './agent-events.ts';
import { processCommand } from './command.ts';
import { createDispatcher } from './dispatch.ts';
import { controlEndpoint } from './endpoint.ts';
import { createExecutors, type Executors } from './executor/executors.ts';
import { createHeard, type Heard } from './heard.ts';
import { hookEnvironmentOf } from './hook-environment.ts';
import { openLedger } from './ledger.ts';
import { createLogSender, type LogSender } from './log-sender.ts';
import { createObservers } from './observers.ts';
import { createOutbox } from './outbox.ts';
import { createPace } from './pace.ts';
import { createPlaces } from './places.ts';
import { poll } from './poller.ts';
import { recover } from './recovery.ts';
import { createRest, type Rest } from './rest.ts';
import { createRetryGate } from './retry-gate.ts';
import { commandsOf } from './status.ts';
import { serveStatus, statusSocketPath } from './status-socket.ts';
import { saySoWhileAtWork } from './still-at-work.ts';
import type { StopSignals } from './stop-signals.ts';
import { checkEndpointTls } from './tls-check.ts';
import { writeVersionFile } from './version-file.ts';
import { createLoopWatch, longestStepMs, tellWatchdog } from './watchdog.ts';
import { windUp } from './wind-up.ts';
import { openWireLog, type WireLogFile } from './wire-log.ts';

export interface ServeContext {
  readonly version: string;
  readonly config: AgentConfig;
  /** null: there is no file, and everything is as by default. */
  readonly file: string | null;
  readonly identity: HostIdentity;
  readonly log: ClosableLogger;
  readonly stop: StopSignals;
}

/**
 * Serves the control endpoint until a signal asks for the end.
 *
 * @throws SlipwayError when the endpoint's address, its certificate or what the configuration names cannot be used: nothing was polled
 */
export async function serve(ctx: ServeContext): Promise<void> {
  const { version, config, file, identity, log, stop } = ctx;
  const { hostIdentifier, source: identityFrom } = identity;
  const clock = systemClock;
  const endpoint = controlEndpoint(config, identity.region);
  const proxy = proxyFor(new URL(endpoint), config.proxyUri, process.env);
  const trust = createNarrowTrust({ env: process.env, caFile: config.caFile });
  await trust.begin(new URL(endpoint), proxy, URL.parse(config.otlpEndpoint ?? ''));
  await checkEndpointTls(new URL(endpoint), proxy, trust, log);
  const observers = await createObservers(config, { hostIdentifier, version }, clock, log);
  const rest = createRest(collectHeap);
  const heard = createHeard({
    ...{ hostIdentifier, clock, steadyClock, log, tell: observers.tell },
    onReady() {
      log.info('the first poll was answered; the agent is ready', { endpoint });
      void notifyServiceManager(process.env, 'READY=1', 'STATUS=polling');
      rest.begins();
    },
  });
  const wire = openWireLog(config, config.programName, log);
  const logs = createLogSender({
    isOff: !config.liveLogs,
    send: (...call) => client.putLogs(...call),
    clock: steadyClock,
    log,
  });
  const client = connect(ctx, endpoint, wire, { heard, logs });
  const ledger = openLedger({
    rootDir: config.rootDir,
    trackingFolder: config.ongoingDeploymentTracking,
    folderModes: folderModes(config.restrictAgentDirs),
    clock,
    log,
  });
  if (config.restrictAgentDirs) {
    restrictFolders({ rootDir: config.rootDir, trackingDir: join(config.rootDir, config.ongoingDeploymentTracking) });
  }
  const gate = createRetryGate(steadyClock, systemRandom);
  const outbox = createOutbox({ client, ledger, gate, log });
  const executors = tellingExecutors(await startExecutors(ctx, wire, rest, logs), observers.tell, () => clock.now());
  const places = createPlaces(steadyClock);
  const pace = createPace(steadyClock);
  const dispatcher = createDispatcher({
    ledger,
    outbox,
    places,
    log,
    onRepeated: pace.useless,
    async process(command, enter) {
      const taken = pace.take();
      const context = { client, executors, ledger, outbox, gate, clock, log, enter, stopping: stop.requested };
      taken.ended(await processCommand(context, command, taken));
    },
  });
  log.info('the host agent starts', {
    version,
    configFile: file ?? '(defaults)',
    hostIdentifier,
    identityFrom,
    endpoint,
  });
  writeVersionFile(config.rootDir, `SLIPWAY_${version}`, log);
  await recover({ rootDir: config.rootDir, ledger, outbox, executors, log });

  const facts = { pid: process.pid, version, startedAtMs: clock.now(), hostIdentifier, identityFrom, endpoint };
  const statusNow = () => ({
    ...facts,
    lastPoll: heard.lastPoll,
    identityIsShared: heard.identityIsShared,
    isFull: !dispatcher.hasSlot,
    ...commandsOf(ledger),
  });
  const status = serveStatus(statusSocketPath(config), statusNow, log);
  observers.serve(statusNow);
  observers.tell({ type: 'agent-started' });
  const ended = new AbortController();
  const sayingSo = saySoWhileAtWork(
    { client, ledger, lastAnsweredAtMs: () => heard.lastAnsweredAtMs, clock: steadyClock, log },
    ended.signal,
  );
  const watch = createLoopWatch(steadyClock, longestStepMs(config));
  const watching = tellWatchdog(
    {
      ...{ watch, clock: steadyClock, log, env: process.env, pid: process.pid },
      notify: (state) => notifyServiceManager(process.env, state),
    },
    ended.signal,
  );
  await poll(
    {
      client,
      watch,
      dispatcher,
      pace,
      gate,
      hostIdentifier,
      waitBetweenRunsMs: config.waitBetweenRunsSeconds * 1000,
      waitBetweenRunsActiveMs: (config.waitBetweenRunsActiveSeconds ?? config.waitBetweenRunsSeconds) * 1000,
      clock: steadyClock,
      random: systemRandom,
      log,
      onAnswered: heard.answered,
      onFailed(error) {
        // The server may have got a certificate of another authority meanwhile.
        if (isUntrusted(error)) void trust.widen().catch((cause) => log.warn(messageOf(cause), { error: cause }));
        heard.failed(error);
      },
    },
    stop.requested,
  );
  // What runs may take hours to its end.
  watch.rests();
  rest.close();
  places.close();
  observers.tell({ type: 'agent-stopping' });
  void notifyServiceManager(process.env, 'STOPPING=1');
  await windUp({ dispatcher, outbox, executors, clock, log }, config.maxStopWaitSeconds * 1000, stop.urgent);
  ended.abort();
  await logs.close();
  await Promise.all([sayingSo, watching]);
  status.close();
  await observers.close();
  wire?.close();
  log.info('the host agent ends');
}

function connect(
  { version, config, identity }: ServeContext,
  endpoint: string,
  wire: WireLogFile | null,
  { heard, logs }: { readonly heard: Heard; readonly logs: LogSender },
): HostCommandClient {
  return createHostCommandClient({
    endpoint,
    region: identity.region,
    hostIdentifier: identity.hostIdentifier,
    credentials: identity.credentials,
    agentVersion: `SLIPWAY_${version}`,
    runId: systemRandom.uuid(),
    onIdentity: heard.identity,
    onLiveLogs: logs.wanted,
    enableAuthPolicy: config.enableAuthPolicy,
    readTimeoutMs: config.httpReadTimeoutSeconds * 1000,
    proxyUri: config.proxyUri,
    ...(wire === null ? {} : { wireLog: (exchange) => wire.append(renderExchange(exchange, systemClock.now())) }),
    clock: systemClock,
  });
}

async function startExecutors(
  { config, identity, log }: ServeContext,
  wire: WireLogFile | null,
  rest: Rest,
  watcher: LogSender,
): Promise<Executors> {
  const hookEnvironment = await hookEnvironmentOf(config, log);
  const caCertificatePem = readPinnedCertificate(config.deploymentSpecCaFile);
  return createExecutors({
    settings: {
      config,
      region: identity.region,
      hostIdentifier: identity.hostIdentifier,
      hookEnvironment,
      caCertificatePem,
    },
    credentials: identity.credentials,
    log,
    onAllGone: rest.begins,
    watcher,
    ...(wire === null ? {} : { onWire: wire.append }),
  });
}

function readPinnedCertificate(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SlipwayError(
      'CONFIG_UNREADABLE',
      `deployment_spec_ca_file ${file} cannot be read: ${messageOf(cause)}`,
      fileFault(cause),
    );
  }
}
