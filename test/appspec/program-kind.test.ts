import { readFileSync } from 'node:fs';
import { machine } from 'node:os';
import { expect, test } from 'vitest';
import { PROGRAM_BYTES, programKind } from '../../src/appspec/program-kind.ts';
import { elfProgram } from '../support/elf.ts';

test.each([
  [{ machine: 62 }, 'a program for x86_64', ['x86_64']],
  [{ machine: 183 }, 'a program for aarch64', ['aarch64', 'aarch64_be']],
  [{ machine: 21 }, 'a program for ppc64le', ['ppc64le']],
  [{ machine: 21, isBigEndian: true }, 'a program for ppc64', ['ppc64']],
  [{ machine: 22, isBigEndian: true }, 'a program for s390x', ['s390x', 's390']],
  [{ machine: 243 }, 'a program for RISC-V', ['riscv64', 'riscv32']],
  [{ machine: 65535 }, 'a program (ELF)', null],
])('An ELF header with %j is %s', (facts, is, machines) => {
  expect(programKind(elfProgram(facts))).toEqual({ is, machines, loader: null });
});

test.each([false, true])(
  'The loader that an ELF program names is found, most significant byte first: %s',
  (isBigEndian) => {
    const text = elfProgram({ machine: 62, isBigEndian, loader: '/lib/ld-musl-x86_64.so.1' });
    expect(programKind(text)?.loader).toBe('/lib/ld-musl-x86_64.so.1');
  },
);

test('The Node that runs this test is a program for this machine, and its loader is there', () => {
  const kind = programKind(readFileSync(process.execPath).toString('latin1', 0, PROGRAM_BYTES));
  expect(kind?.machines).toContain(machine());
  expect(kind?.loader === null || readFileSync(kind?.loader ?? '').length > 0).toBe(true);
});

test.each([
  ['MZ\x90\0\x03\0', 'a program for Windows'],
  ['\xcf\xfa\xed\xfe\x07\0\0\x01', 'a program for macOS'],
  ['\xca\xfe\xba\xbe\0\0\0\x34', 'a program for macOS, or a class of Java'],
  ['\xff\xfe#\0!\0/\0', 'text in UTF-16, which no shell reads; save it as UTF-8'],
  ['\0#\0!\0/', 'text in UTF-16, which no shell reads; save it as UTF-8'],
  ['PK\x03\x04\0\0', 'a zip archive, such as a JAR'],
])('%j is named for what it is, and runs on no machine by itself', (beginning, is) => {
  expect(programKind(beginning)).toEqual({ is, machines: [], loader: null });
});

test.each(['\0', '\x7fELF', '\x7fELF\0\0', 'abc\0def', ''])('%j is of no kind that can be told', (beginning) => {
  expect(programKind(beginning)).toBeNull();
});

test.each([
  ['its table lies behind the end', (bytes: Buffer) => bytes.writeUInt32LE(0x7fffffff, 32)],
  ['its entries have no size', (bytes: Buffer) => bytes.writeUInt16LE(0, 54)],
  ['it claims 65535 entries', (bytes: Buffer) => bytes.writeUInt16LE(65535, 56)],
  ['its loader’s name lies behind the end', (bytes: Buffer) => bytes.writeUInt32LE(0x7fffffff, 64 + 8)],
])('An ELF header that is damaged (%s) names no loader and does no harm', (_, damage) => {
  const bytes = Buffer.from(elfProgram({ machine: 62, loader: '/l' }), 'latin1');
  damage(bytes);
  expect([null, '/l']).toContain(programKind(bytes.toString('latin1'))?.loader);
});
