/** Connections on which a test sends bytes of its own choice, and sees what comes back and when it ends. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface RawConnection extends Disposable {
  readonly socket: Socket;
  /** Text that has come so far. */
  received(): string;
  /** Resolves when the text has come. @throws Error when the connection ends before */
  until(text: string): Promise<void>;
  /** Resolves when the other side has closed, or broken, the connection. */
  readonly closed: Promise<void>;
}

/** @param url for https the certificate is not checked */
export function openRaw(url: string, text: string | Buffer = ''): RawConnection {
  const { hostname, port, protocol } = new URL(url);
  const options = { host: hostname, port: Number(port) };
  const socket = protocol === 'https:' ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  let received = '';
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    received += piece.toString('latin1');
  });
  // Not by `once`, which fails when the connection breaks.
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      isClosed = true;
      resolve();
    });
  });
  if (text.length > 0) socket.write(text);
  return {
    socket,
    closed,
    received: () => received,
    async until(wanted) {
      while (!received.includes(wanted)) {
        if (isClosed) throw new Error(`closed before '${wanted}' came; received: '${received.slice(0, 500)}'`);
        await Promise.race([new Promise((resolve) => socket.once('data', resolve)), closed]);
      }
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
