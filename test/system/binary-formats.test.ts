import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasBinaryFormat } from '../../src/system/binary-formats.ts';
import { scratchFolder } from '../support/scratch.ts';

const QEMU = 'enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: F\noffset 0\nmagic 7f454c460201\nmask fffffffffffe\n';

test.each([
  ['magic and mask fit', QEMU, '\x7fELF\x02\0\0', 'a', true],
  ['the magic is another', QEMU, '\x7fELF\x01\0\0', 'a', false],
  ['the file is too short', QEMU, '\x7fELF', 'a', false],
  ['the rule is switched off', QEMU.replace('enabled', 'disabled'), '\x7fELF\x02\x01', 'a', false],
  ['the magic lies further behind', 'enabled\noffset 2\nmagic 6162\n', 'xxab', 'a', true],
  ['the extension fits', 'enabled\nextension .exe\n', 'MZ', 'dir/setup.exe', true],
  ['the extension is another', 'enabled\nextension .exe\n', 'MZ', 'dir/exe', false],
])('A rule of binfmt_misc counts when it is for the file: %s', (_, rule, beginning, name, expected) => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('status'), 'enabled\n');
  writeFileSync(scratch.at('qemu'), rule);
  expect(hasBinaryFormat(beginning, name, scratch.path)).toBe(expected);
});

test('Where binfmt_misc is not mounted no program of another machine can be run', () => {
  using scratch = scratchFolder();
  expect(hasBinaryFormat('\x7fELF', 'a', scratch.at('none'))).toBe(false);
});
