/** Stands between agent and server, passes everything on as it is, and notes what both must agree upon. */
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  /** Commands that the server has ordered to be run: acknowledged, and not answered with a final status. */
  ordered(): ReadonlySet<string>;
  /** Command → the outcomes that the server accepted for it, in their order. */
  outcomes(): ReadonlyMap<string, readonly string[]>;
}

/** @param breaksOff operations whose connections break before the server hears of them */
export async function recordingProxy(target: string, breaksOff: readonly string[] = []): Promise<RecordingProxy> {
  const ordered = new Set<string>();
  const outcomes = new Map<string, string[]>();
  const connections = new Agent({ keepAlive: true });

  const note = (operation: string, question: string, answer: string) => {
    const asked = JSON.parse(question || '{}') as { HostCommandIdentifier?: string; CommandStatus?: string };
    const id = asked.HostCommandIdentifier ?? '';
    if (operation === 'PutHostCommandAcknowledgement') {
      const { CommandStatus: status } = JSON.parse(answer || '{}') as { CommandStatus?: string };
      if (status !== 'Succeeded' && status !== 'Failed') ordered.add(id);
    } else if (operation === 'PutHostCommandComplete') {
      outcomes.set(id, [...(outcomes.get(id) ?? []), asked.CommandStatus ?? '']);
    }
  };

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const operation = String(incoming.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
    if (breaksOff.includes(operation)) {
      outgoing.destroy();
      return;
    }
    const body = Buffer.concat(chunks);
    const url = new URL(incoming.url ?? '/', target);
    const onward = httpRequest(url, { method: incoming.method, headers: incoming.headers, agent: connections });
    // An agent that has died must not leave its long poll with the server: a command would be delivered to nobody.
    outgoing.on('close', () => onward.destroy());
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part as Buffer);
    const text = Buffer.concat(parts);
    if (answer.statusCode === 200) note(operation, body.toString(), text.toString());
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(text);
  }

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ordered: () => ordered,
    outcomes: () => outcomes,
    async [Symbol.asyncDispose]() {
      connections.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
