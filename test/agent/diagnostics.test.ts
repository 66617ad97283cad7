import { describe, expect, test } from 'vitest';
import { restartedOutcome } from '../../src/agent/diagnostics.ts';

describe('a command that a restart of the agent cut off', () => {
  test.each([
    ['Install', 'what was half done has been put back'],
    ['DownloadBundle', 'what it had brought by then is not used'],
    ['UpdateDeploymentAgent', 'its log says how far the update came'],
    ['ApplicationStart', 'what they had done by then stays'],
    ['MyOwnEvent', 'what they had done by then stays'],
  ])('%s is reported with code 7, and that %s', (commandName, message) => {
    expect(restartedOutcome(commandName)).toMatchObject({
      status: 'Failed',
      diagnostics: { errorCode: 7, message: expect.stringContaining(message) },
    });
  });
});
