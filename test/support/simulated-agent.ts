/** The daemon's own parts, put together as `main.ts` does, against an endpoint that answers as a test says and in a test's own time. */
import { processCommand } from '../../src/agent/command.ts';
import { createDispatcher } from '../../src/agent/dispatch.ts';
import type { CommandRecord, Ledger } from '../../src/agent/ledger.ts';
import { createOutbox } from '../../src/agent/outbox.ts';
import { createPace } from '../../src/agent/pace.ts';
import { createPlaces } from '../../src/agent/places.ts';
import { poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { SlipwayError } from '../../src/errors.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import type { CommandStatus, HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { createThrottleGate } from '../../src/protocol/host-command/throttle-gate.ts';
import { type ManualClock, manualClock, passTime } from './clock.ts';
import { collectingLogger, specificationOf } from './deployment.ts';

export type SimulatedOperation = 'poll' | 'specification' | 'acknowledge' | 'complete';

/** Answers of the endpoint. Each may throw. */
export interface SimulatedEndpoint {
  /** @param n how many polls there were, this one counted */
  poll(n: number): HostCommand | null | Promise<HostCommand | null>;
  specification?(deploymentExecutionId: string): void | Promise<void>;
  acknowledge?(hostCommandIdentifier: string): CommandStatus | null | Promise<CommandStatus | null>;
  complete?(hostCommandIdentifier: string): void | Promise<void>;
}

export interface SimulatedHost {
  /** Whether the specifications are; default: they are. */
  readonly isGenuine?: boolean;
  readonly isNoop?: boolean;
  /** How long each request takes; milliseconds. */
  readonly latencyMs?: number;
  /** How long each command runs; milliseconds. */
  readonly runMs?: number;
}

export interface SimulatedAgent {
  readonly clock: ManualClock;
  readonly requests: readonly { readonly operation: SimulatedOperation; readonly atMs: number }[];
  /** Ids of commands in the order in which they began. */
  readonly ran: readonly { readonly id: string; readonly atMs: number }[];
  readonly log: ReturnType<typeof collectingLogger>;
  count(operation?: SimulatedOperation, fromMs?: number): number;
  /** Since its start. */
  elapsedMs(): number;
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export const DONE: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};

/** Time stands still until `pass`. A command's group is the second part of its execution id. */
export function simulatedAgent(endpoint: SimulatedEndpoint, host: SimulatedHost = {}): SimulatedAgent {
  const clock = manualClock();
  const startMs = clock.now();
  const log = collectingLogger();
  const requests: { operation: SimulatedOperation; atMs: number }[] = [];
  const ran: { id: string; atMs: number }[] = [];
  const random = { fraction: () => 0 };
  const throttled = createThrottleGate(clock, random);
  const request = <T>(operation: SimulatedOperation, answer: () => T | Promise<T>, signal?: AbortSignal) =>
    throttled.run(async () => {
      requests.push({ operation, atMs: clock.now() - startMs });
      await clock.sleep(host.latencyMs ?? 20, signal);
      signal?.throwIfAborted();
      return await answer();
    }, signal);
  const client = {
    get isThrottled() {
      return throttled.isClosed;
    },
    pollHostCommand: (signal?: AbortSignal) =>
      request('poll', () => endpoint.poll(requests.filter(({ operation }) => operation === 'poll').length), signal),
    getDeploymentSpecification: (id: string, signal?: AbortSignal) =>
      request(
        'specification',
        async () => {
          await endpoint.specification?.(id);
          return { DeploymentSystem: 'CodeDeploy' };
        },
        signal,
      ),
    acknowledge: (id: string) => request('acknowledge', async () => (await endpoint.acknowledge?.(id)) ?? 'InProgress'),
    complete: (id: string, _outcome: CommandOutcome, signal?: AbortSignal) =>
      request('complete', async () => endpoint.complete?.(id), signal),
  };
  const executors = {
    prepare() {},
    async openSpecification(_: unknown, { DeploymentExecutionId }: HostCommand) {
      if (host.isGenuine === false) throw new SlipwayError('ENVELOPE_MISSING', 'there is none');
      const deploymentId = DeploymentExecutionId.split('/')[1] ?? '';
      const ids = { deploymentId, deploymentGroupId: deploymentId, applicationName: deploymentId };
      return { specification: specificationOf('/revision', ids), order: null };
    },
    isCommandNoop: async () => host.isNoop ?? false,
    async run({ hostCommandIdentifier: id }: { readonly hostCommandIdentifier: string }) {
      ran.push({ id, atMs: clock.now() - startMs });
      await clock.sleep(host.runMs ?? 20);
      return DONE;
    },
    recover: async () => {},
    close: async () => {},
  };
  const ledger = memoryLedger(clock);
  const gate = createRetryGate(clock, random);
  const outbox = createOutbox({ client, ledger, gate, log });
  const [pace, places, stopping] = [createPace(clock), createPlaces(clock), new AbortController()];
  const dispatcher = createDispatcher({
    ...{ ledger, outbox, places, log, onRepeated: pace.useless },
    async process(command, enter) {
      const taken = pace.take();
      const context = { client, executors, ledger, outbox, gate, clock, log, enter, stopping: stopping.signal };
      taken.ended(await processCommand(context, command, taken));
    },
  });
  const waits = { waitBetweenRunsMs: 1_000, waitBetweenRunsActiveMs: 1_000 };
  const polling = poll(
    { ...{ client, dispatcher, pace, gate, clock, random, log, ...waits }, hostIdentifier: 'arn:h', onAnswered() {} },
    stopping.signal,
  );
  const pass = async (ms: number) => {
    await passTime(clock, ms, settled);
    await settled();
  };
  return {
    ...{ clock, requests, ran, log, pass },
    elapsedMs: () => clock.now() - startMs,
    count: (operation, fromMs = 0) =>
      requests.filter((one) => one.atMs >= fromMs && (operation === undefined || one.operation === operation)).length,
    async stop() {
      stopping.abort();
      places.close();
      outbox.close();
      await pass(5 * 60_000);
      await polling;
      await dispatcher.idle();
    },
  };
}

/** Everything that needs no time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Remembers as the real one does, without a disk. */
function memoryLedger(clock: ManualClock): Ledger {
  const records = new Map<string, CommandRecord>();
  const change = (id: string, changes: Partial<CommandRecord>) => {
    const record = records.get(id);
    if (record !== undefined) records.set(id, { ...record, ...changes, changedAtMs: clock.now() });
  };
  return {
    find: (id) => records.get(id) ?? null,
    hasRoomFor: () => true,
    inState: (state) => [...records.values()].filter((record) => record.state === state),
    begin: (command) =>
      void records.set(command.hostCommandIdentifier, {
        ...{ ...command, state: 'running', outcome: null, changedAtMs: clock.now() },
      }),
    finish: (id, outcome) => change(id, { state: 'finished', outcome }),
    settle: (id) => change(id, { state: 'settled' }),
    withdraw: (id) => change(id, { state: 'settled' }),
  };
}
