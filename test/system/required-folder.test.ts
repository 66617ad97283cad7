import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { requireFolder } from '../../src/system/required-folder.ts';
import { testIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';

test.each(['file', 'file/deeper', 'file/deeper/still'])(
  'A folder that cannot be made because a file stands in its way (%s) is refused with that as the remedy',
  (path) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('file'), '');
    expect(() => requireFolder('root_dir', scratch.at(path), 0o755)).toThrow(
      expect.objectContaining({
        code: 'DEPLOYMENT_ROOT_UNUSABLE',
        message: expect.not.stringContaining('ENOENT'),
        remedy: 'A file stands where a folder should be: move it away, or set root_dir to another folder.',
      }),
    );
  },
);

test('A folder is made with all its parents, and taken when it is there', () => {
  using scratch = scratchFolder();
  requireFolder('pid_dir', scratch.at('a/b/c'), 0o755);
  requireFolder('pid_dir', scratch.at('a/b/c'), 0o755);
});

testIf(process.getuid?.() !== 0, 'a user who is not root')(
  'A folder of somebody else is refused, and who is no root is told of rights',
  () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('closed'));
    chmodSync(scratch.at('closed'), 0o555);
    expect(() => requireFolder('root_dir', scratch.at('closed/a/b'), 0o755)).toThrow(
      expect.objectContaining({
        remedy: expect.stringContaining('Give this user the folder (chown), or run it as root'),
      }),
    );
  },
);
