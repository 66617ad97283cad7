/** A file that is called a bundle and is none: every command says the same of it, in the words of the host that would unpack it. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { capturedContext } from '../support/cli-context.ts';
import { scratchFolder } from '../support/scratch.ts';

const SEVEN_ZIP = Buffer.from('377abcaf271c0004', 'hex');
const XZ = Buffer.from('fd377a585a000004e6d6b446', 'hex');
const PAGE = '<!DOCTYPE html><html><title>403 Forbidden</title></html>';
const NOISE = Buffer.from(Array.from({ length: 700 }, (_, n) => (n * 7919) % 251));

test.each([
  ['a.zip', PAGE, "the bundle is no zip archive, but a web page: '403 Forbidden' [ARCHIVE_CORRUPT]"],
  ['a.tgz', PAGE, "the bundle is no tar archive, but a web page: '403 Forbidden' [ARCHIVE_CORRUPT]"],
  ['a.zip', SEVEN_ZIP, 'the bundle is no zip archive, but a 7-Zip archive [ARCHIVE_CORRUPT]'],
  ['a.tgz', XZ, 'the bundle is no tar archive, but an xz file [ARCHIVE_CORRUPT]'],
  [
    'a.zip',
    NOISE,
    'the bundle is cut off, or is no zip archive: the directory at its end is missing [ARCHIVE_TRUNCATED]',
  ],
  ['a.tar', NOISE, 'the bundle is no tar archive [ARCHIVE_CORRUPT]'],
  ['a.zip', '', 'the bundle is empty: 0 bytes [ARCHIVE_TRUNCATED]'],
  ['a.tgz', '', 'the bundle is empty: 0 bytes [ARCHIVE_TRUNCATED]'],
])('Of %s with %o in it validate, push, plan and local say the same', async (name, content, words) => {
  using scratch = scratchFolder();
  const file = scratch.at(name);
  writeFileSync(file, content);
  writeFileSync(scratch.at('agent.yml'), `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n`);
  const env = { SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 's' };
  const config = ['-c', scratch.at('agent.yml')];
  const said = async (...args: string[]) => {
    const ctx = capturedContext({ env });
    expect(await runCli([...args, ...config], ctx)).not.toBe(0);
    return `${ctx.printed()}${ctx.complained()}`;
  };
  expect(await said('validate', file)).toContain(words);
  expect(await said('push', file, '--application', 'a')).toContain(words);
  expect(await said('plan', file)).toContain(words);
  expect(await said('local', '--bundle-location', file)).toContain(words);
});
