/** A host that speaks the wire of agents and outlives every server: it does nothing but note what it is told to do. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandOutcome } from '../../../src/protocol/diagnostics.ts';
import type { HostCommandClient } from '../../../src/protocol/host-command/client.ts';
import type { HostCommand } from '../../../src/protocol/host-command/shapes.ts';
import { IN_PLACE_EVENTS } from '../../../src/server/engine/course.ts';
import { hostClient, type KeyPair } from '../hand-driven-host.ts';
import type { SeededRandom } from '../random.ts';
import { isServiceUnavailable } from './unavailable.ts';
import type { Witness } from './witness.ts';

export interface SimulatedHostOptions {
  readonly name: string;
  readonly hostArn: string;
  readonly key: KeyPair;
  /** It begins with the first, and goes to the next when one does not answer. */
  readonly endpoints: readonly string[];
  readonly witness: Witness;
  readonly random: SeededRandom;
  /** Whether the event is to fail here. */
  fails(deploymentId: string, event: string): boolean;
  /** Other work of the host while it carries an event out. */
  during?(event: string): Promise<void>;
}

export interface SimulatedHost extends AsyncDisposable {
  readonly name: string;
}

const LAST_EVENT = IN_PLACE_EVENTS.at(-1);
/** As short as it may be: what is tried is the server, not the patience of agents. */
const TRY_AGAIN_MS = 20;
const LONGEST_RUN_MS = 15;
const ALWAYS = Number.POSITIVE_INFINITY;

export function startSimulatedHost(options: SimulatedHostOptions): SimulatedHost {
  const closing = new AbortController();
  const working = work(options, closing.signal);
  return {
    name: options.name,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await working;
    },
  };
}

async function work(options: SimulatedHostOptions, signal: AbortSignal): Promise<void> {
  const ask = createAsker(options, signal);
  /** Commands that it has carried out, as an agent's ledger knows them. */
  const outcomes = new Map<string, CommandOutcome>();
  // As agents do: a poll after a failed one is not to be held, and gets again what went to nobody.
  let mayHold = false;
  while (!signal.aborted) {
    let command: HostCommand | null | undefined;
    const answered = await ask(1, async (client) => {
      command = await client.pollHostCommand(signal, mayHold);
    });
    mayHold = answered === 'yes';
    if (answered === 'refused') options.witness.complain(`a poll of ${options.name} was refused`);
    if (command) await carryOut(options, ask, outcomes, command);
  }
}

/** How a question ended: 'nobody' answered in so many tries. */
type Answered = 'yes' | 'refused' | 'nobody';
/** Asks the servers in turn. */
type Ask = (tries: number, question: (client: HostCommandClient) => Promise<void>) => Promise<Answered>;

function createAsker({ endpoints, hostArn, key }: SimulatedHostOptions, signal: AbortSignal): Ask {
  const clients = endpoints.map((endpoint) => hostClient(endpoint, hostArn, key));
  let at = 0;
  return async (tries, question) => {
    for (let left = tries; left > 0 && !signal.aborted; left -= 1) {
      const client = clients[at % clients.length];
      if (client === undefined) throw new Error('a host needs a server');
      try {
        await question(client);
        return 'yes';
      } catch (error) {
        if (signal.aborted) return 'nobody';
        if (!isServiceUnavailable(error)) return 'refused';
        at += 1;
        await delay(TRY_AGAIN_MS);
      }
    }
    return 'nobody';
  };
}

async function carryOut(
  options: SimulatedHostOptions,
  ask: Ask,
  outcomes: Map<string, CommandOutcome>,
  command: HostCommand,
): Promise<void> {
  const { name, witness, fails, random, during } = options;
  const { HostCommandIdentifier: id, CommandName: event, DeploymentExecutionId } = command;
  const deploymentId = DeploymentExecutionId.split('/')[1] ?? '';
  witness.received(name, deploymentId);
  let outcome = outcomes.get(id);
  if (outcome === undefined) {
    if (!(await isToRun(options, ask, command))) return;
    witness.ran(name, deploymentId, event);
    await delay(random.integer(0, LONGEST_RUN_MS));
    await during?.(event);
    const status = fails(deploymentId, event) ? 'Failed' : 'Succeeded';
    const errorCode = status === 'Failed' ? 4 : 0;
    outcome = { status, diagnostics: { errorCode, scriptName: '', message: status, log: '' } };
    outcomes.set(id, outcome);
  }
  const { status } = outcome;
  if (event === LAST_EVENT && status === 'Succeeded') witness.done(name, deploymentId);
  const answered = await ask(ALWAYS, (client) => client.complete(id, outcome));
  if (answered === 'yes') witness.answered({ deploymentId, host: name, event, status });
  if (answered === 'refused') witness.complain(`the report of ${event} on ${name} was refused`);
}

async function isToRun({ name, witness }: SimulatedHostOptions, ask: Ask, command: HostCommand): Promise<boolean> {
  const { HostCommandIdentifier: id, CommandName: event, DeploymentExecutionId } = command;
  const specification = await ask(ALWAYS, async (client) => {
    await client.getDeploymentSpecification(DeploymentExecutionId);
  });
  // The deployment may have been stopped since the poll.
  if (specification !== 'yes') return false;
  let mayRun = false;
  const acknowledged = await ask(ALWAYS, async (client) => {
    mayRun = (await client.acknowledge(id, false)) === 'InProgress';
  });
  if (acknowledged === 'refused') witness.complain(`the acknowledgement of ${event} on ${name} was refused`);
  return mayRun;
}
