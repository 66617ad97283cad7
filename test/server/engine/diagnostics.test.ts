import { expect, test } from 'vitest';
import type { DiagnosticCode } from '../../../src/protocol/diagnostics.ts';
import { diagnosticsOf, lateDiagnosticsOf } from '../../../src/server/engine/diagnostics.ts';

const report = (errorCode: DiagnosticCode) => ({ errorCode, scriptName: 's.sh', message: 'why', log: 'tail' });

test.each([
  [1, 'ScriptMissing'],
  [2, 'ScriptNotExecutable'],
  [3, 'ScriptTimedOut'],
  [4, 'ScriptFailed'],
  [5, 'UnknownError'],
  [6, 'UnknownError'],
  [7, 'UnknownError'],
  [0, 'UnknownError'],
] as const)('a failure with code %i is shown as %s', (errorCode, shown) => {
  expect(diagnosticsOf('Failed', report(errorCode))).toEqual({
    errorCode: shown,
    scriptName: 's.sh',
    message: 'why',
    logTail: 'tail',
  });
});

test('a success is shown as Succeeded, without what the agent adds for the service', () => {
  const { message } = diagnosticsOf('Succeeded', { ...report(0), message: 'Succeeded: CompletedNoopCommand' });
  expect(message).toBe('Succeeded');
  expect(diagnosticsOf('Succeeded', null)).toEqual({
    errorCode: 'Success',
    scriptName: '',
    message: 'Succeeded',
    logTail: '',
  });
});

test('a failure without details says so', () => {
  expect(diagnosticsOf('Failed', null)).toMatchObject({
    errorCode: 'UnknownError',
    message: expect.stringMatching(/without details/),
  });
});

test('a report that came too late is added to what the event says already', () => {
  const own = JSON.stringify(diagnosticsOf('Failed', { ...report(5), message: 'Given up.', log: '' }));
  expect(lateDiagnosticsOf(own, 'Failed', report(4))).toEqual({
    errorCode: 'UnknownError',
    scriptName: 's.sh',
    message: 'Given up. Too late, the instance reported: Failed (why)',
    logTail: 'tail',
  });
  expect(lateDiagnosticsOf(null, 'Succeeded', null)).toMatchObject({ errorCode: 'Success', logTail: '' });
});
