import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { runCorpus } from './run-corpus.ts';

test('every attack of the corpus ends in the error that is its own, and nothing escapes, crashes or hangs', async () => {
  using scratch = scratchFolder();
  const { tried, problems } = await runCorpus(scratch.path);
  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(300);
}, 120_000);
