import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { createOutput, type Output } from '../../src/cli/output.ts';
import { CLEAR_LINE } from '../../src/cli/own-text.ts';
import { reportError } from '../../src/cli/report-error.ts';
import { SlipwayError } from '../../src/errors.ts';

const LAST_WORDS = fileURLToPath(new URL('../../src/system/last-words.ts', import.meta.url));

function capture(): { readonly output: Output; readonly text: () => string } {
  let text = '';
  const write = (piece: string) => {
    text += piece;
  };
  return { output: createOutput({ write, isTerminal: true, columns: 80 }), text: () => text };
}

describe('a line that a command writes', () => {
  test.each([
    ['a\nslipway: done\n', 'a\\u000aslipway: done\n'],
    ['a\n\n', 'a\\u000a\n'],
    ['a\r\nb\n', 'a\\u000d\\u000ab\n'],
    ['a\tb\n', 'a\\u0009b\n'],
    ['begun', 'begun'],
    ['a\u2028b\u0085c\vd\n', 'a\\u2028b\\u0085c\\u000bd\n'],
    ['\n', '\n'],
    ['', ''],
  ])('is one line: %j', (line, shown) => {
    const { output, text } = capture();
    output.write(line);
    expect(text()).toBe(shown);
  });

  test('each of several lines has its own break behind it, and none inside', () => {
    const { output, text } = capture();
    output.writeLines(['one', 'two\n::error::three', '', ' ::warning::four\n']);
    expect(text()).toBe('one\ntwo\\u000a::error::three\n\n :\\u003awarning::four\\u000a\n');
  });

  test('is no order to a build server when it comes in pieces', () => {
    const { output, text } = capture();
    output.write(':');
    output.write(':error::a\n');
    output.write('##vso');
    output.write('[task]\n');
    expect(text()).toBe(':\\u003aerror::a\n##vso\\u005btask]\n');
  });

  test('begins anew behind what moves the cursor', () => {
    const { output, text } = capture();
    output.write('text');
    output.writeOwn(CLEAR_LINE);
    output.write('::error::a\n');
    expect(text()).toBe(`text${CLEAR_LINE}:\\u003aerror::a\n`);
  });
});

test('a text keeps the line breaks that belong to it', () => {
  const { output, text } = capture();
  output.writeText('one\ntwo\r\n\x1b[2J\n');
  expect(text()).toBe('one\ntwo\n\\u001b[2J\n');
});

describe('an error', () => {
  test('has one line for its message, one for each detail and one for its remedy', () => {
    const error = new SlipwayError('CLI_BAD_REVISION', 'a\nb', { details: ['c', 'd\ne'], remedy: 'f\ng' });
    const { output, text } = capture();
    output.writeLines(reportError(error, false).lines);
    expect(text()).toBe('slipway: a\\u000ab [CLI_BAD_REVISION]\n  c\n  d\\u000ae\n  to do: f\\u000ag\n');
  });

  test('an error with its stack and causes begins no line by the words of a message', () => {
    const cause = new TypeError('inner\nslipway: done\n    at forged (file:1:1)');
    const error = new Error('outer\nslipway: done', { cause });
    const { output, text } = capture();
    output.writeLines(reportError(error, true).lines);
    const lines = text().trimEnd().split('\n');
    expect(lines.filter((line) => /^\s*slipway: done|^\s*at forged/.test(line))).toEqual([]);
    expect(lines.some((line) => line.startsWith('  TypeError: inner\\u000aslipway: done'))).toBe(true);
    expect(lines.filter((line) => /^\s+at /.test(line)).length).toBeGreaterThan(2);
  });
});

test('a warning of Node or of a package is one line that no terminal obeys', async () => {
  const script = `
    const { showWarnings } = await import(process.argv[1]);
    showWarnings();
    process.emitWarning('a\\n::error::b\\x1b[2J\\x9b', 'Deprecation');`;
  const { stderr } = await execa(process.execPath, ['--input-type=module', '-e', script, LAST_WORDS]);
  expect(stderr).toBe('slipway: Deprecation: a\\u000a::error::b\\u001b[2J\\u009b');
});
