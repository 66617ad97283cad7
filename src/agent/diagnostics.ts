/** Outcomes that the daemon itself has to word: what never reached a command's code. Pure. */
import type { CommandOutcome } from '../protocol/diagnostics.ts';

/** The server did not take the acknowledgement as an order, and wants to hear only that nothing was to be done. */
export const NOOP_OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded: CompletedNoopCommand', log: '' },
};

/**
 * The agent went down while a command ran, and nothing is ever run twice.
 *
 * @returns a failure that says what has become of what the command had done by then
 */
export function restartedOutcome(commandName: string): CommandOutcome {
  const message = `Failed: the agent was restarted while this command ran; ${afterRestart(commandName)}`;
  return { status: 'Failed', diagnostics: { errorCode: 7, scriptName: '', message, log: '' } };
}

/** Outcome of a command whose record is lost: nothing is ever run twice. */
export function lostOutcome(): CommandOutcome {
  const message =
    'Failed: the host’s record of this command cannot be read, so that it is not known whether it was carried out; it is not run again';
  return { status: 'Failed', diagnostics: { errorCode: 7, scriptName: '', message, log: '' } };
}

function afterRestart(commandName: string): string {
  switch (commandName) {
    case 'Install':
      return 'what was half done has been put back, and what was complete by then stays';
    case 'DownloadBundle':
      return 'what it had brought by then is not used';
    case 'UpdateDeploymentAgent':
      return 'its log says how far the update came';
    default:
      return 'its scripts have been ended, and what they had done by then stays';
  }
}
