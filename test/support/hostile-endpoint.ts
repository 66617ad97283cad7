/** A control endpoint in an attacker's hands: real agents are pointed at it, and it answers what it likes. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Envelope, HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { eventually } from './eventually.ts';

/** A status beside 200 refuses the request. */
export interface HostileAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, all else as JSON. */
  readonly body: unknown;
  /** The connection is cut instead. */
  readonly isCut?: boolean;
}

export interface HostileEndpoint extends AsyncDisposable {
  readonly url: string;
  /** Operation → how often it was called. */
  readonly asked: ReadonlyMap<string, number>;
}

/** @param answer given the operation's name and its input; null: what a service says that wants the command carried out */
export async function hostileEndpoint(
  answer: (operation: string, input: Readonly<Record<string, unknown>>) => Promise<HostileAnswer | null>,
): Promise<HostileEndpoint> {
  const asked = new Map<string, number>();
  async function reply(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const operation = String(incoming.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
    asked.set(operation, (asked.get(operation) ?? 0) + 1);
    const input = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
    const given: HostileAnswer = (await answer(operation, input)) ?? { body: { CommandStatus: 'InProgress' } };
    const { status = 200, headers = {}, body, isCut = false } = given;
    if (isCut) return void incoming.socket.destroy();
    outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
  const server = createServer((incoming, outgoing) => {
    reply(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A command, and the specification that the agent gets when it asks for this command's. */
export interface HandedOut {
  readonly command: HostCommand;
  readonly envelope: Envelope | undefined;
}

export interface CommandReport {
  readonly status: string;
  readonly message: string;
}

export interface OrderingEndpoint extends HostileEndpoint {
  /**
   * Hands commands out one after the other, and their specifications when all are out: an agent that has seen through one asks less often.
   *
   * @returns what the agent reported on each, in their order
   * @throws Error when a report does not come in time
   */
  order(orders: readonly HandedOut[], withinMs?: number): Promise<readonly CommandReport[]>;
}

export async function orderingEndpoint(): Promise<OrderingEndpoint> {
  const waiting: HandedOut[] = [];
  const reports = new Map<string, CommandReport>();
  let allOut = Promise.withResolvers<void>();
  // The agent asks for a specification by its execution, which several commands may share: one question after the other.
  let current: { readonly order: HandedOut; readonly asked: PromiseWithResolvers<void> } | null = null;

  async function poll(): Promise<HostileAnswer> {
    await current?.asked.promise;
    const order = waiting.shift();
    if (order === undefined) return { body: {} };
    current = { order, asked: Promise.withResolvers<void>() };
    return { body: { HostCommand: order.command } };
  }

  async function specification(): Promise<HostileAnswer> {
    const envelope = current?.order.envelope;
    current?.asked.resolve();
    if (waiting.length === 0) allOut.resolve();
    await allOut.promise;
    return { body: { DeploymentSystem: 'CodeDeploy', DeploymentSpecification: { GenericEnvelope: envelope } } };
  }

  const endpoint = await hostileEndpoint(async (operation, input) => {
    if (operation === 'PollHostCommand') return poll();
    if (operation === 'GetDeploymentSpecification') return specification();
    if (operation === 'PutHostCommandComplete') {
      const { Payload: payload } = input['Diagnostics'] as Envelope;
      const { message } = JSON.parse(payload) as { message: string };
      reports.set(String(input['HostCommandIdentifier']), { status: String(input['CommandStatus']), message });
    }
    return null;
  });
  return {
    ...endpoint,
    async order(orders, withinMs = 20_000) {
      allOut = Promise.withResolvers<void>();
      waiting.push(...orders);
      const ids = orders.map(({ command }) => command.HostCommandIdentifier);
      await eventually(() => ids.every((id) => reports.has(id)), { withinMs });
      return ids.map((id) => reports.get(id) ?? { status: '', message: '' });
    },
  };
}
