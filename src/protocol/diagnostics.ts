/**
 * What a host command's completion says about its end: a JSON text of exactly four members in an envelope of format `JSON`.
 */

/**
 * 0 success, 1 script missing, 2 script not executable, 3 timed out, 4 script failed, 5 anything else, 6 output left open,
 * 7 failed because the agent restarted.
 */
export type DiagnosticCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

export interface CommandDiagnostics {
  readonly errorCode: DiagnosticCode;
  /** The AppSpec's location text of the script at fault; empty otherwise. */
  readonly scriptName: string;
  readonly message: string;
  /** The tail of the event's hook output, below 2048 bytes. */
  readonly log: string;
}

/** How one host command ended on this host. */
export interface CommandOutcome {
  readonly status: 'Succeeded' | 'Failed';
  readonly diagnostics: CommandDiagnostics;
}
