import { expect, test } from 'vitest';
import {
  createLiveOutput,
  GATHER_MS,
  MOST_BATCH_BYTES,
  MOST_WAITING_BYTES,
  type OutputBatch,
} from '../../src/hooks/live-output.ts';
import { manualClock } from '../support/clock.ts';

function watched() {
  const clock = manualClock();
  const sent: OutputBatch[] = [];
  const output = createLiveOutput({ clock, send: (batch) => void sent.push(batch) });
  const gather = async () => {
    await clock.nextSleep();
    clock.advance(GATHER_MS);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { sent, output, gather };
}

test('lines that come within a moment are sent together, and the next ones once those have arrived', async () => {
  const { sent, output, gather } = watched();
  output.add('one\n');
  output.add('zwei €\n');
  await gather();
  expect(sent).toEqual([{ firstByte: 0, text: 'one\nzwei €\n' }]);
  output.add('three\n');
  expect(sent).toHaveLength(1);
  output.taken();
  await gather();
  expect(sent[1]).toEqual({ firstByte: 13, text: 'three\n' });
});

test('the end of the event sends all that is left, at once and in order', async () => {
  const { sent, output, gather } = watched();
  output.add('one\n');
  await gather();
  output.add('two\n');
  output.end();
  expect(sent).toEqual([
    { firstByte: 0, text: 'one\n' },
    { firstByte: 4, text: 'two\n' },
  ]);
});

test('a script that writes more than is taken loses the oldest lines, and positions say how much', async () => {
  const { sent, output, gather } = watched();
  output.add('begin\n');
  await gather();
  const line = `${'x'.repeat(99)}\n`;
  for (let n = 0; n < 10_000; n += 1) output.add(line);
  output.add('end\n');
  output.end();
  const rest = sent.slice(1);
  const bytes = rest.reduce((sum, { text }) => sum + text.length, 0);
  expect(bytes).toBeLessThanOrEqual(MOST_WAITING_BYTES);
  expect(bytes).toBeGreaterThan(MOST_WAITING_BYTES - MOST_BATCH_BYTES);
  expect(rest[0]?.firstByte).toBe(6 + 1_000_000 + 4 - bytes);
  expect(rest.at(-1)?.text).toMatch(/end\n$/);
  for (const [at, batch] of rest.entries()) {
    expect(batch.text.length).toBeLessThanOrEqual(MOST_BATCH_BYTES);
    if (at > 0) expect(batch.firstByte).toBe((rest[at - 1]?.firstByte ?? 0) + (rest[at - 1]?.text.length ?? 0));
  }
});

test('a line that is longer than a batch is sent in pieces of whole characters', () => {
  const { sent, output } = watched();
  const line = `a${'😀'.repeat(30_000)}\n`;
  output.add(line);
  output.end();
  expect(sent.map(({ text }) => text).join('')).toBe(line);
  expect(sent.every(({ text }) => text.isWellFormed() && Buffer.byteLength(text) <= MOST_BATCH_BYTES)).toBe(true);
});
