/** A signal that asks for the end is kept from the first line of the program on: a service manager may send it at any time. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { watchSignals } from '../../src/agent/stop-signals.ts';
import { collectingLogger } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startDaemon } from '../support/slipway.ts';

test('an agent that is told to end while it waits for the first answer of its server ends', async () => {
  using scratch = scratchFolder();
  // Takes connections, and never says a word of TLS.
  await using silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const connection = once(silent, 'connection');
  mkdirSync(scratch.at('conf'));
  const identity = scratch.at('conf/onpremises.yml');
  writeFileSync(
    identity,
    'region: us-east-1\niam_user_arn: arn:aws:iam::000000000000:user/web\naws_access_key_id: AKIAEXAMPLE123456789\n' +
      'aws_secret_access_key: secret\n',
    { mode: 0o600 },
  );
  const configFile = scratch.at('conf/codedeployagent.yml');
  const folders = ['root_dir', 'pid_dir', 'log_dir'].map((key) => `${key}: ${scratch.at(key)}\n`).join('');
  const endpoint = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  writeFileSync(configFile, `deploy_control_endpoint: ${endpoint}\non_premises_config_file: ${identity}\n${folders}`);
  await using agent = startDaemon(['agent', '--config-file', configFile], { stderrFile: scratch.at('agent.log') });
  const [socket] = await connection;
  agent.kill('SIGTERM');
  await eventually(() => agent.log().includes('SIGTERM: taking no new work'));
  socket.destroy();
  expect(await agent.exited).toEqual({ status: 0, signal: null });
});

test('a signal that came before the agent listened for it counts as one that comes now', () => {
  const log = collectingLogger();
  const early = watchSignals(log, AbortSignal.abort());
  early.release();
  expect(early.requested.aborted).toBe(true);
  expect(early.urgent.aborted).toBe(false);
  const none = watchSignals(log, new AbortController().signal);
  none.release();
  expect(none.requested.aborted).toBe(false);
});
