import { join } from 'node:path';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Logger } from '../logging/logger.ts';
import { openRotatingFile } from '../logging/rotating-file.ts';
import { printableLines } from '../system/printable.ts';

/** `<log_dir>/<program_name>.aws_wire.log`: what goes to AWS and comes back, for its owner and group. */
export interface WireLogFile {
  /** An exchange as text, whole. */
  append(text: string): void;
  close(): void;
}

/** @see the official agent 1.8.1, `codedeploy_control.rb`: the name, and how much is kept */
const LIMITS = { maxBytes: 64 * 1024 * 1024, files: 16, mode: 0o640 };

/** @param config.logAwsWire false: there is none, and null comes back */
export function openWireLog(
  config: Pick<AgentConfig, 'logAwsWire' | 'logDir'>,
  programName: string,
  log: Logger,
): WireLogFile | null {
  if (!config.logAwsWire) return null;
  const file = join(config.logDir, `${programName}.aws_wire.log`);
  const lines = openRotatingFile(file, (error) => log.warn('the wire log cannot be written', { file, error }), LIMITS);
  return { append: (text) => lines.append(printableLines(text)), close: lines.close };
}
