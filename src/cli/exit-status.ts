/** Exit statuses of `slipway`. `docs/cli.md` has the same table, and a test compares the two. */
export const EXIT_STATUS = {
  ok: { status: 0, meaning: 'done, and it went well' },
  failed: {
    status: 1,
    meaning:
      'done, and the answer is no: the deployment failed or was stopped, the AppSpec file has errors, what was planned cannot be done, the signature does not count',
  },
  usage: { status: 2, meaning: 'the command line, a file or a setting is wrong; nothing was changed' },
  refused: { status: 3, meaning: 'the server refused: credentials, role, or a request that it does not accept' },
  unreachable: { status: 4, meaning: 'the server could not be reached or did not answer' },
  'agent-stopped': { status: 3, meaning: 'of `slipway status` and `slipway agent status`: the agent does not run' },
  'agent-unknown': {
    status: 4,
    meaning:
      'of `slipway agent status`: it cannot be told whether the agent runs; of `slipway status`: it does not answer',
  },
  changes: { status: 10, meaning: 'planned, and Install would change this host; without changes the status is 0' },
  internal: { status: 70, meaning: 'a fault in Slipway; --verbose shows where' },
  interrupted: { status: 130, meaning: 'interrupted with Ctrl-C; what the server was doing goes on' },
} as const;

export type ExitReason = keyof typeof EXIT_STATUS;

export function exitStatus(reason: ExitReason): number {
  return EXIT_STATUS[reason].status;
}
