/**
 * The load generator, a process of its own: hosts that poll, and carry out at once what they are told. Forked by `fleet.ts`, which tells it
 * what to do by messages.
 */

import { setImmediate } from 'node:timers/promises';
import { encodeDiagnostics } from '../../src/protocol/diagnostics.ts';
import { type HostCommand, POLL_ANSWER_NOW, POLL_HEADER } from '../../src/protocol/host-command/shapes.ts';
import type { GeneratorMessage, GeneratorOrder } from './fleet.ts';
import { openWire, type Wire, type WireHost, type WireServer } from './wire.ts';

/** Hosts that come at once; a server lets only some connections of one address be silent. */
const CONNECTING = 100;

const DONE = encodeDiagnostics({ errorCode: 0, scriptName: '', message: 'Succeeded', log: '' });

/** Milliseconds. */
const timings: { dispatch: number[]; report: number[] } = { dispatch: [], report: [] };
/** Reports that are not answered yet. A deployment ends before the last of its hosts is told so. */
const underWay = new Set<Promise<unknown>>();

function tell(message: GeneratorMessage): void {
  process.send?.(message);
}

async function startHosts(server: WireServer, hosts: readonly WireHost[]): Promise<void> {
  const left = [...hosts];
  const connectSome = async () => {
    for (let host = left.pop(); host !== undefined; host = left.pop()) {
      const wire = await openWire(server, host);
      // Answered at once, so that it is known when the whole fleet has come.
      await poll(wire, host, { [POLL_HEADER]: POLL_ANSWER_NOW });
      live(wire, host).catch(giveUp);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING }, connectSome));
  tell({ kind: 'ready' });
}

async function live(wire: Wire, host: WireHost): Promise<void> {
  let last = { execution: '', reportedAtMs: 0 };
  for (;;) {
    const command = await poll(wire, host);
    if (command === null) continue;
    const execution = command.DeploymentExecutionId;
    // The first command of a deployment is waited for for as long as nobody deploys.
    if (execution === last.execution) timings.dispatch.push(performance.now() - last.reportedAtMs);
    await carryOut(wire, command);
    last = { execution, reportedAtMs: performance.now() };
  }
}

async function carryOut(wire: Wire, command: HostCommand): Promise<void> {
  const { HostCommandIdentifier, HostIdentifier, DeploymentExecutionId } = command;
  await wire.call('GetDeploymentSpecification', { DeploymentExecutionId, HostIdentifier });
  await wire.call('PutHostCommandAcknowledgement', { HostCommandIdentifier });
  const report = { HostCommandIdentifier, CommandStatus: 'Succeeded', Diagnostics: DONE };
  const sentAtMs = performance.now();
  const answered = wire.call('PutHostCommandComplete', report);
  underWay.add(answered);
  await answered;
  underWay.delete(answered);
  timings.report.push(performance.now() - sentAtMs);
}

async function poll(wire: Wire, { hostArn }: WireHost, headers?: Record<string, string>): Promise<HostCommand | null> {
  const answer = await wire.call('PollHostCommand', { HostIdentifier: hostArn }, headers);
  return (answer as { HostCommand?: HostCommand }).HostCommand ?? null;
}

async function tellTimings(): Promise<void> {
  await Promise.all(underWay);
  // Their hosts have noted them by now.
  await setImmediate();
  tell({ kind: 'timings', ...timings });
  timings.dispatch = [];
  timings.report = [];
}

function giveUp(error: unknown): never {
  process.stderr.write(`the load generator gives up: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

process.on('message', (order: GeneratorOrder) => {
  if (order.kind === 'start') startHosts(order.server, order.hosts).catch(giveUp);
  else tellTimings().catch(giveUp);
});
process.on('disconnect', () => process.exit(0));
