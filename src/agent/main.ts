/** The host agent: makes the real context, recovers, polls, and ends in good order. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentConfig, loadAgentConfig } from '../config/agent-config.ts';
import { folderModes, restrictFolders } from '../deployment/folder-modes.ts';
import { isUntrusted, messageOf, SlipwayError } from '../errors.ts';
import { inheritedEnvironment } from '../hooks/inherited-environment.ts';
import { USUAL_PROFILE, withProfile } from '../hooks/profile-environment.ts';
import { isServiceOfSystemd } from '../hooks/scope.ts';
import { type HostIdentity, resolveIdentity } from '../identity/resolve-identity.ts';
import { type ClosableLogger, createAgentLogger } from '../logging/create-logger.ts';
import { createHostCommandClient } from '../protocol/host-command/client.ts';
import { proxyFor } from '../protocol/proxy.ts';
import { renderExchange } from '../protocol/wire-log.ts';
import { type Clock, steadyClock, systemClock } from '../system/clock.ts';
import { limitCoreDumps } from '../system/core-dumps.ts';
import { closeInheritedDescriptors } from '../system/inherited-descriptors.ts';
import { type InstanceLock, takeInstanceLock } from '../system/instance-lock.ts';
import { describeLostAbilities, lostAbilities } from '../system/lost-abilities.ts';
import { readMachineFacts } from '../system/machine-facts.ts';
import { systemRandom } from '../system/random.ts';
import { requireFolder } from '../system/required-folder.ts';
import { notifyServiceManager } from '../system/service-manager.ts';
import { createNarrowTrust } from '../system/trust.ts';
import { leaveWorkingFolder } from '../system/working-folder.ts';
import { tellingExecutors } from './agent-events.ts';
import { processCommand } from './command.ts';
import { createDispatcher, type Dispatcher } from './dispatch.ts';
import { controlEndpoint } from './endpoint.ts';
import { createExecutors, type Executors } from './executor/executors.ts';
import { openLedger } from './ledger.ts';
import { createObservers } from './observers.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createPace } from './pace.ts';
import { createPlaces } from './places.ts';
import { poll } from './poller.ts';
import { recover } from './recovery.ts';
import { createRetryGate } from './retry-gate.ts';
import { commandsOf, type LastPoll } from './status.ts';
import { serveStatus, statusSocketPath } from './status-socket.ts';
import { saySoWhileAtWork } from './still-at-work.ts';
import { checkEndpointTls } from './tls-check.ts';
import { writeVersionFile } from './version-file.ts';
import { openWireLog } from './wire-log.ts';

export interface AgentOptions {
  /** null: the usual file. */
  readonly configFile: string | null;
  readonly version: string;
}

/** How long a stop waits for outcomes to be delivered once no command runs; the next start sends what is left. */
const REPORT_WAIT_MS = 10_000;

/**
 * Runs the agent until it is told to end.
 *
 * @returns the exit status: 0 after SIGTERM, SIGINT or SIGQUIT, also when running commands had to be left behind
 * @throws SlipwayError for configuration, identity or a second agent: the start has failed, and nothing was changed
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  const { config, file, warnings } = loadAgentConfig(options.configFile);
  leaveWorkingFolder();
  requireFolder('root_dir', config.rootDir, 0o755);
  requireFolder('pid_dir', config.pidDir, 0o755);
  const lock = lockInstance(config);
  const log = createAgentLogger(config);
  try {
    closeInherited(log);
    const lost = lostAbilities(readMachineFacts());
    if (lost.length > 0) log.warn(describeLostAbilities(lost));
    if (process.pid === 1) log.warn(AS_FIRST_PROCESS);
    for (const warning of warnings) log.warn(warning);
    await limitCoreDumps(config.disableCoreDumps, (why) => log.warn(`core dumps stay as they are: ${why}`));
    const identity = await resolveIdentity(config, process.env, systemClock, log);
    for (const warning of identity.warnings) log.warn(warning);
    await serve(options, config, file, identity, log);
    return 0;
  } finally {
    lock.release();
    await log.close();
  }
}

/** Orphans of a container become children of its first process, and Node takes leave of none that it has not started itself. */
const AS_FIRST_PROCESS =
  'the agent is the first process of its container: what scripts leave behind stays as zombies until the container ends. ' +
  'Start the container with an init (`docker run --init`, or tini before the command)';

/** Nothing that was open before this process began goes on to scripts. */
function closeInherited(log: ClosableLogger): void {
  const closed = closeInheritedDescriptors(process.argv, process.env) ?? [];
  if (closed.length > 0) log.info('descriptors that the agent was started with are closed', { descriptors: closed });
}

/** The lock, and beside it the PID file for the tools that look for one. */
function lockInstance({ pidDir, programName }: AgentConfig): InstanceLock {
  const pidFile = join(pidDir, `${programName}.pid`);
  const lock = takeInstanceLock(
    `${pidFile}.lock`,
    (pid) => new SlipwayError('AGENT_ALREADY_RUNNING', `an agent runs already, with PID ${pid} (${pidFile})`),
  );
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o644 });
  return {
    release() {
      rmSync(pidFile, { force: true });
      lock.release();
    },
  };
}

async function serve(
  options: AgentOptions,
  config: AgentConfig,
  file: string | null,
  identity: HostIdentity,
  log: ClosableLogger,
): Promise<void> {
  const clock = systemClock;
  const endpoint = controlEndpoint(config, identity.region);
  const proxy = proxyFor(new URL(endpoint), config.proxyUri, process.env);
  const trust = createNarrowTrust({ env: process.env, caFile: config.caFile });
  await trust.begin(new URL(endpoint), proxy, URL.parse(config.otlpEndpoint ?? ''));
  await checkEndpointTls(new URL(endpoint), proxy, trust, log);
  let identityIsShared = false;
  const noteIdentity = (isShared: boolean) => {
    if (isShared && !identityIsShared) log.error(SHARED_IDENTITY, { hostIdentifier: identity.hostIdentifier });
    if (!isShared && identityIsShared) log.info('no other agent uses the identity of this host any more');
    identityIsShared = isShared;
  };
  const wire = openWireLog(config, config.programName, log);
  const client = createHostCommandClient({
    endpoint,
    region: identity.region,
    hostIdentifier: identity.hostIdentifier,
    credentials: identity.credentials,
    agentVersion: `SLIPWAY_${options.version}`,
    runId: systemRandom.uuid(),
    onIdentity: (isShared) => noteIdentity(isShared),
    enableAuthPolicy: config.enableAuthPolicy,
    readTimeoutMs: config.httpReadTimeoutSeconds * 1000,
    proxyUri: config.proxyUri,
    ...(wire === null ? {} : { wireLog: (exchange) => wire.append(renderExchange(exchange, clock.now())) }),
    clock,
  });
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
  const observers = await createObservers(
    config,
    { hostIdentifier: identity.hostIdentifier, version: options.version },
    clock,
    log,
  );
  const plainExecutors = createExecutors({
    settings: {
      config,
      region: identity.region,
      hostIdentifier: identity.hostIdentifier,
      hookEnvironment: await hookEnvironmentOf(config, log),
      caCertificatePem: readPinnedCertificate(config.deploymentSpecCaFile),
    },
    credentials: identity.credentials,
    log,
    ...(wire === null ? {} : { onWire: wire.append }),
  });
  const executors = tellingExecutors(plainExecutors, observers.tell, () => clock.now());
  const stop = watchSignals(log);
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
    version: options.version,
    configFile: file ?? '(defaults)',
    hostIdentifier: identity.hostIdentifier,
    identityFrom: identity.source,
    endpoint,
  });
  writeVersionFile(config.rootDir, `SLIPWAY_${options.version}`, log);
  await recover({ rootDir: config.rootDir, ledger, outbox, executors, log });

  const startedAtMs = clock.now();
  let lastHeardAtMs: number | null = null;
  let lastPoll: LastPoll = { answeredAtMs: null, failures: 0, lastError: null };
  const { hostIdentifier, source: identityFrom } = identity;
  const facts = { pid: process.pid, version: options.version, startedAtMs, hostIdentifier, identityFrom, endpoint };
  const statusNow = () => ({
    ...facts,
    lastPoll,
    identityIsShared,
    isFull: !dispatcher.hasSlot,
    ...commandsOf(ledger),
  });
  const status = serveStatus(statusSocketPath(config), statusNow, log);
  observers.serve(statusNow);
  observers.tell({ type: 'agent-started' });
  const ended = new AbortController();
  const sayingSo = saySoWhileAtWork(
    { client, ledger, lastAnsweredAtMs: () => lastHeardAtMs, clock: steadyClock, log },
    ended.signal,
  );
  let isReady = false;
  await poll(
    {
      client,
      dispatcher,
      pace,
      gate,
      hostIdentifier: identity.hostIdentifier,
      waitBetweenRunsMs: config.waitBetweenRunsSeconds * 1000,
      waitBetweenRunsActiveMs: (config.waitBetweenRunsActiveSeconds ?? config.waitBetweenRunsSeconds) * 1000,
      clock: steadyClock,
      random: systemRandom,
      log,
      onAnswered() {
        lastHeardAtMs = steadyClock.now();
        if (lastPoll.failures > 0) observers.tell({ type: 'poll-recovered', failures: lastPoll.failures });
        lastPoll = { answeredAtMs: clock.now(), failures: 0, lastError: null };
        if (isReady) return;
        isReady = true;
        log.info('the first poll was answered; the agent is ready', { endpoint });
        void notifyServiceManager(process.env, 'READY=1', 'STATUS=polling');
      },
      onFailed(error) {
        // The server may have got a certificate of another authority meanwhile.
        if (isUntrusted(error)) void trust.widen().catch((cause) => log.warn(messageOf(cause), { error: cause }));
        if (lastPoll.failures === 0) observers.tell({ type: 'poll-failing', error: messageOf(error) });
        lastPoll = { ...lastPoll, failures: lastPoll.failures + 1, lastError: messageOf(error) };
      },
    },
    stop.requested,
  );
  places.close();
  observers.tell({ type: 'agent-stopping' });
  void notifyServiceManager(process.env, 'STOPPING=1');
  await windUp({ dispatcher, outbox, executors, clock, log }, config.maxStopWaitSeconds * 1000, stop.urgent);
  ended.abort();
  await sayingSo;
  status.close();
  await observers.close();
  wire?.close();
  stop.release();
  log.info('the host agent ends');
}

const SHARED_IDENTITY =
  'another agent uses the identity of this host: each deployment gets to only one of them; ' +
  'give one of the machines an identity of its own: slipway register --force --instance-name NAME';

/** What a profile is read with. */
const WHOLE = { restrictToAllowlist: false, stripLoaderVariables: true };

/** What scripts inherit: what the agent has, and what the machine's profile sets, where nobody has read that for the agent. */
async function hookEnvironmentOf(
  { hookProfile, hookEnvironment }: AgentConfig,
  log: ClosableLogger,
): Promise<NodeJS.ProcessEnv> {
  const profile = hookProfile ?? (isServiceOfSystemd(process.env) ? USUAL_PROFILE : null);
  if (profile === null) return process.env;
  const given = inheritedEnvironment(process.env, { ...WHOLE, handedDown: hookEnvironment });
  const kept = Object.entries(process.env).filter(([name]) => !Object.hasOwn(given, name));
  const read = await withProfile(profile, given, (why) => {
    log.warn('scripts do not get the variables of the profile', { profile, why });
  });
  // What a profile must not see is left away for scripts, too, but tells how they are to be started.
  return { ...Object.fromEntries(kept), ...read };
}

interface WindUpContext {
  readonly dispatcher: Dispatcher;
  readonly outbox: Outbox;
  readonly executors: Executors;
  readonly clock: Clock;
  readonly log: ClosableLogger;
}

/** Lets running commands finish and be reported, within the limit, or not at all when it is urgent. */
async function windUp(ctx: WindUpContext, limitMs: number, urgent: AbortSignal): Promise<void> {
  // Waits that have lost their race must not keep the process alive.
  const over = new AbortController();
  const atMost = (ms: number) => ctx.clock.sleep(ms, AbortSignal.any([urgent, over.signal]));
  const isIdle = await Promise.race([ctx.dispatcher.idle().then(() => true), atMost(limitMs).then(() => false)]);
  if (isIdle) {
    await Promise.race([ctx.outbox.drained(), atMost(REPORT_WAIT_MS)]);
  } else {
    ctx.log.warn('commands are left behind; the next start reports them as failed because of the restart', {
      because: urgent.aborted ? 'a second signal came' : 'kill_agent_max_wait_time_seconds is over',
    });
  }
  over.abort();
  ctx.outbox.close();
  await ctx.executors.close();
}

interface StopSignals {
  /** The first signal: take no new work. */
  readonly requested: AbortSignal;
  /** The second: end at once. */
  readonly urgent: AbortSignal;
  release(): void;
}

function watchSignals(log: ClosableLogger): StopSignals {
  const requested = new AbortController();
  const urgent = new AbortController();
  const names = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
  const onSignal = (name: NodeJS.Signals) => {
    if (requested.signal.aborted) {
      log.warn(`${name} again: ending at once`);
      urgent.abort();
    } else {
      log.info(`${name}: taking no new work; running commands finish`);
      requested.abort();
    }
  };
  for (const name of names) process.on(name, onSignal);
  return {
    requested: requested.signal,
    urgent: urgent.signal,
    release: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

function readPinnedCertificate(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SlipwayError('CONFIG_UNREADABLE', `deployment_spec_ca_file ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}
