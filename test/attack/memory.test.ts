import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { killTree, peakOfTree } from '../support/process-tree.ts';

const HELD_BYTES = 150_000_000;

test('the memory of an agent in the attacks is that of the daemon with its executors, also when they have given it back', async () => {
  const executor = `globalThis.held = Buffer.alloc(${HELD_BYTES}, 1);
    held = null; gc(); console.log('full'); setInterval(() => undefined, 1_000)`;
  const daemon = `require('node:child_process').spawn(process.execPath, ['--expose-gc', '-e', ${JSON.stringify(executor)}],
    { stdio: 'inherit' }); setInterval(() => undefined, 1_000)`;
  const child = spawn(process.execPath, ['-e', daemon], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    expect(peakOfTree(child.pid ?? 0)).toBeGreaterThan(HELD_BYTES);
  } finally {
    killTree(child.pid ?? 0);
    await once(child, 'exit');
  }
});
