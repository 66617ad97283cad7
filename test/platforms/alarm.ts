/** An alarm that is an HTTP status, and as active as the test says. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestAlarm extends AsyncDisposable {
  readonly url: string;
  isActive: boolean;
}

export async function startAlarm(): Promise<TestAlarm> {
  const server = createServer((_, response) => void response.writeHead(alarm.isActive ? 500 : 200).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const alarm: TestAlarm = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isActive: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return alarm;
}
