import { mkdirSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { SLIPWAY } from '../support/slipway.ts';

const COMMANDS_WITH_A_PATH: readonly (readonly string[])[] = [
  ['validate', './build'],
  ['validate'],
  ['push', './build', '--application', 'site', '--s3-location', 's3://revisions/site.zip'],
  ['local'],
  ['local', '--bundle-location', 'site.zip'],
  ['verify', './site.zip', '--application', 'site'],
];

test.each(COMMANDS_WITH_A_PATH)(
  'in a folder that was removed, %s %s says that the folder is gone',
  async (...words) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('gone'));
    const script = 'cd "$1" && rmdir "$1" && shift && exec "$@"';
    const args = ['-c', script, 'sh', scratch.at('gone'), process.execPath, SLIPWAY, ...words];
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:9',
    };
    const ran = await execa('sh', args, { reject: false, env });
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain(`begins at ${scratch.at('gone')}, and that folder was removed`);
    expect(ran.stderr).toContain('Change to a folder that is there (cd), or write the whole path.');
  },
);

test('a command that needs no relative path works in a folder that was removed', async () => {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('gone'));
  const script = 'cd "$1" && rmdir "$1" && exec "$2" "$3" validate --schema';
  const ran = await execa('sh', ['-c', script, 'sh', scratch.at('gone'), process.execPath, SLIPWAY], { reject: false });
  expect(ran.stderr).toBe('');
  expect(ran).toMatchObject({ exitCode: 0 });
});
