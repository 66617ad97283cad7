import { describe, expect, test } from 'vitest';
import { failedBy, outcomeOfEvent, succeeded } from '../../src/deployment/outcomes.ts';
import { SlipwayError } from '../../src/errors.ts';
import type { EventOutcome } from '../../src/hooks/run-event.ts';

const HOLDER = { pid: 42, commandLine: 'sleep 600' };

describe('the outcome of an event', () => {
  test.each([
    [{ outcome: 'missing', location: 'a.sh', path: '/x/a.sh' }, 1, ['a.sh', '/x/a.sh']],
    [{ outcome: 'outside', location: 'a.sh', path: '/x/a.sh', leadsTo: '/etc/x' }, 1, ['/x/a.sh', '/etc/x']],
    [{ outcome: 'not-executable', location: 'a.sh', why: 'EROFS' }, 2, ['a.sh', 'executable', 'EROFS']],
    [
      { outcome: 'timed-out', location: 'a.sh', timeoutSeconds: 9, survivors: [] },
      3,
      ['a.sh', '9 seconds and was ended'],
    ],
    [
      { outcome: 'timed-out', location: 'a.sh', timeoutSeconds: 9, survivors: [HOLDER] },
      3,
      ['9 seconds', 'not process 42 (sleep 600)'],
    ],
    [
      { outcome: 'failed', location: 'a.sh', runas: 'web', why: 'exit code 7' },
      4,
      ['a.sh run as user web', 'exit code 7'],
    ],
    [{ outcome: 'failed', location: 'a.sh', runas: null, why: 'exit code 7' }, 4, ['a.sh failed: exit code 7']],
    [
      {
        ...{ outcome: 'output-held', location: 'a.sh' },
        held: [
          { stream: 'stdout', holders: [HOLDER], continuesIn: null },
          { stream: 'stderr', holders: [HOLDER], continuesIn: null },
        ],
      },
      6,
      ['a.sh', 'stdout and stderr', 'process 42 (sleep 600);', 'hook_output_policy: detach'],
    ],
    [
      {
        ...{ outcome: 'output-held', location: 'a.sh' },
        held: [{ stream: 'stdout', holders: [1, 2, 3, 4, 5].map((pid) => ({ ...HOLDER, pid })), continuesIn: null }],
      },
      6,
      ['stdout', 'and 2 more'],
    ],
    [{ outcome: 'killed', location: 'a.sh' }, 5, ['a.sh', 'killed']],
  ] satisfies [EventOutcome, number, string[]][])('%o has code %s and says what happened', (outcome, code, words) => {
    const { status, diagnostics } = outcomeOfEvent(outcome, 'tail');
    expect({ status, code: diagnostics.errorCode, script: diagnostics.scriptName, log: diagnostics.log }).toEqual({
      status: 'Failed',
      code,
      script: 'a.sh',
      log: 'tail',
    });
    for (const word of words) expect(diagnostics.message).toContain(word);
  });

  test('the outcome of a success is code 0 with the note that the service parses', () => {
    expect(outcomeOfEvent({ outcome: 'succeeded' }, 'tail')).toEqual({
      status: 'Succeeded',
      diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: 'tail' },
    });
    expect(succeeded('BundleSource=downloaded').diagnostics.message).toBe('Succeeded: BundleSource=downloaded');
  });
});

test('any fault is code 5; one of ours says what to do', () => {
  const fault = new SlipwayError('APPSPEC_MISSING', 'no AppSpec file in /x', { remedy: 'Put one there.' });
  expect(failedBy(fault).diagnostics).toEqual({
    errorCode: 5,
    scriptName: '',
    message: 'no AppSpec file in /x [APPSPEC_MISSING] Put one there.',
    log: '',
  });
  expect(failedBy(new Error('EIO')).diagnostics).toMatchObject({ errorCode: 5, message: 'EIO' });
});
