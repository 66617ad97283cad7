/** Outcomes that the daemon itself has to word: what never reached a command's code. Pure. */
import type { CommandOutcome } from '../protocol/diagnostics.ts';

/** The server did not take the acknowledgement as an order, and wants to hear only that nothing was to be done. */
export const NOOP_OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded: CompletedNoopCommand', log: '' },
};

/** The agent went down while the command ran; what it was doing has been put right, but it was not done. */
export const RESTARTED_OUTCOME: CommandOutcome = {
  status: 'Failed',
  diagnostics: {
    errorCode: 7,
    scriptName: '',
    message: 'Failed: the agent was restarted while this command ran; what was half done has been put back',
    log: '',
  },
};
