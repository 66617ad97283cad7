/** Asks the agent of this machine what it is doing. */
import { connect } from 'node:net';
import type { AgentStatus } from '../agent/status.ts';
import { statusSocketPath } from '../agent/status-socket.ts';
import type { AgentConfig } from '../config/agent-config.ts';

/** The agent answers at once or not at all. */
const ANSWER_MS = 2_000;

/** @returns null: it does not run, or does not answer, or not to this user */
export async function askAgent(config: Pick<AgentConfig, 'pidDir' | 'programName'>): Promise<AgentStatus | null> {
  return new Promise((resolve) => {
    const socket = connect(statusSocketPath(config)).setEncoding('utf8').setTimeout(ANSWER_MS);
    let text = '';
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(parseStatus(text)));
  });
}

/** null for what an agent that was killed in the middle of it has left unsaid. */
function parseStatus(text: string): AgentStatus | null {
  try {
    return JSON.parse(text) as AgentStatus;
  } catch {
    return null;
  }
}
