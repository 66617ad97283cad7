import { describe, expect, test } from 'vitest';
import { troubleOf } from '../../src/agent/status.ts';

const SILENT_MS = 180_000;
const command = { commandName: 'Install', deploymentId: 'd-1', hostCommandIdentifier: 'c' };

describe('the health of an agent', () => {
  test.each([
    ['has just started', { answeredAtMs: null, failures: 0 }, 0, false, null],
    ['was answered lately, and fails since', { answeredAtMs: 100_000, failures: 3 }, 0, false, null],
    ['was never answered', { answeredAtMs: null, failures: 9 }, -200_000, false, 'polling fails: no route'],
    ['fails for long', { answeredAtMs: -1, failures: 9 }, -999_000, false, '180 seconds; polling fails: no route'],
    ['hangs', { answeredAtMs: -1, failures: 0 }, -999_000, false, 'polling hangs'],
    ['is full for a moment', { answeredAtMs: 170_000, failures: 0 }, -999_000, true, null],
    ['is full for long', { answeredAtMs: -1, failures: 0 }, -999_000, true, 'taken, the oldest by Start of d-0'],
  ] as const)(
    'the health of an agent that %s: %j, started at %d, full %s: %s',
    (_, poll, startedAtMs, isFull, trouble) => {
      const status = {
        ...{ startedAtMs, isFull },
        lastPoll: { ...poll, lastError: poll.failures > 0 ? 'no route' : null },
        running: [
          { ...command, sinceMs: 5 },
          { ...command, commandName: 'Start', deploymentId: 'd-0', sinceMs: 4 },
        ],
      };
      const said = troubleOf(status, SILENT_MS, SILENT_MS);
      if (trouble === null) expect(said).toBeNull();
      else expect(said).toContain(trouble);
    },
  );
});
