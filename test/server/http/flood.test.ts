/** Many clients at once against the server as a process, as it is started by people. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { describeIf } from '../../support/needs.ts';
import { openRaw, type RawConnection } from '../../support/raw-connection.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { runSlipway, SLIPWAY, startControlServer } from '../../support/slipway.ts';

vi.setConfig({ testTimeout: 120_000 });

const MIB = 1024 * 1024;

function peakMb(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

describeIf(process.platform === 'linux', 'Linux')('many clients at once', () => {
  test('1 500 strangers with a body of 1 MiB each are answered, and the server stays small and answers others', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(join(scratch.path, 'data'));
    const length = MIB - 1;
    const target = 'X-Amz-Target: CodeDeploy_20141006.ListApplications';
    const head = `POST / HTTP/1.1\r\nHost: x\r\n${target}\r\nContent-Length: ${length + 1}\r\n\r\n`;
    const body = Buffer.alloc(length, 'x');
    const strangers = Array.from({ length: 1_500 }, (): RawConnection => {
      const stranger = openRaw(server.url, head);
      stranger.socket.write(body);
      return stranger;
    });
    await Promise.all(strangers.map(({ closed }) => closed));
    expect(strangers.filter((one) => !one.received().startsWith('HTTP/1.1 403 '))).toEqual([]);
    const listed = await runSlipway(['applications', 'list', '--json'], server.env);
    expect(listed).toMatchObject({ status: 0 });
    expect(peakMb(server.daemon.pid)).toBeLessThan(400);
  });

  test.each([
    [64, 'clients open more connections than the server takes'],
    [32, 'the limit on open files is reached'],
  ])(
    'a server with %i files at most that meets 100 silent clients says once that %s, and goes on',
    async (files, expected) => {
      using scratch = scratchFolder();
      const args = ['server', '--data-dir', scratch.at('data'), '--listen', '127.0.0.1:0'];
      const limited = ['-c', `ulimit -n ${files}; exec "$0" "$@"`, process.execPath, SLIPWAY, ...args];
      const server = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'pipe'] });
      const exited = once(server, 'exit');
      let log = '';
      server.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      try {
        const [line] = (await once(server.stdout, 'data')) as [Buffer];
        const url = /API on (\S+),/.exec(line.toString())?.[1] ?? '';
        const clients = Array.from({ length: 100 }, () => openRaw(url));
        await eventually(() => log.includes(expected), { withinMs: 30_000 });
        for (const client of clients) client[Symbol.dispose]();
        await eventually(
          () =>
            fetch(url).then(
              ({ status }) => status === 200,
              () => false,
            ),
          { withinMs: 30_000 },
        );
        expect(log.split(expected)).toHaveLength(2);
      } finally {
        server.kill('SIGTERM');
      }
      expect(await exited).toEqual([0, null]);
    },
  );
});
