import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SlipwayError } from '../../src/errors.ts';
import { createFileLogger } from '../../src/logging/create-logger.ts';
import { plainFields } from '../../src/logging/plain-fields.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import { scratchFolder } from '../support/scratch.ts';

test('a line of the file has the official agent’s form', async () => {
  using scratch = scratchFolder();
  const log = createFileLogger({ logDir: scratch.at('log'), programName: 'codedeploy-agent' });
  log.info('polling');
  log.warn('polling failed', { failures: 1, error: new SlipwayError('SERVER_UNREACHABLE', 'nobody listens') });
  await log.close();
  const lines = readFileSync(scratch.at('log', 'codedeploy-agent.log'), 'utf8').trim().split('\n');
  const head = (level: string) =>
    `^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z ${level} \\[codedeploy-agent\\(${process.pid}\\)\\]: `;
  expect(lines[0]).toMatch(new RegExp(`${head('INFO ')}polling$`));
  expect(lines[1]).toMatch(new RegExp(`${head('WARN ')}polling failed \\{"failures":1,.*"SERVER_UNREACHABLE".*\\}$`));
  expect(lines).toHaveLength(2);
});

test('a server’s refusal is named by its type, and an unforeseen fault by where it came from', () => {
  const refused = new RemoteApiError({ type: 'InvalidSignatureException', message: 'no', status: 403 });
  expect(plainFields({ error: refused })).toEqual({ error: { code: 'InvalidSignatureException', message: 'no' } });
  expect(plainFields({ error: new Error('odd') })).toMatchObject({ error: { stack: expect.stringContaining(' at ') } });
});

test('a member that is called a secret is hidden', async () => {
  using scratch = scratchFolder();
  const log = createFileLogger({ logDir: scratch.at('log'), programName: 'agent', restrictLogDir: true });
  log.info('a fetch', {
    gitHubAccessToken: 'ghp_x',
    secretAccessKey: 'y',
    proxyPassword: 'z',
    authorization: 'Bearer w',
  });
  await log.close();
  const text = readFileSync(scratch.at('log', 'agent.log'), 'utf8');
  expect(text.match(/\[hidden\]/g)).toHaveLength(4);
  expect(text).not.toMatch(/ghp_x|"y"|"z"|Bearer/);
  expect(statSync(scratch.at('log', 'agent.log')).mode & 0o007).toBe(0);
});
