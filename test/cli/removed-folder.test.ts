import { mkdirSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { SLIPWAY } from '../support/slipway.ts';

test('a command that needs no relative path works in a folder that was removed', async () => {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('gone'));
  const script = 'cd "$1" && rmdir "$1" && exec "$2" "$3" validate --schema';
  const ran = await execa('sh', ['-c', script, 'sh', scratch.at('gone'), process.execPath, SLIPWAY], { reject: false });
  expect(ran.stderr).toBe('');
  expect(ran).toMatchObject({ exitCode: 0 });
});
