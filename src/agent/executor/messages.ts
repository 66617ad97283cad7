/** What the daemon and its executor processes say to each other. Everything is plain JSON. */
import type { AgentConfig } from '../../config/agent-config.ts';
import type { CommandRequest } from '../../deployment/context.ts';
import type { LogFields } from '../../logging/logger.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { Credentials } from '../../protocol/sigv4/credentials.ts';

/** What an executor has to know of its host. It is told once, at its start. */
export interface ExecutorSettings {
  readonly config: AgentConfig;
  readonly region: string;
}

export type ToExecutor =
  | { readonly type: 'settings'; readonly settings: ExecutorSettings }
  | { readonly type: 'run'; readonly call: number; readonly request: CommandRequest }
  | { readonly type: 'is-noop'; readonly call: number; readonly request: CommandRequest }
  | { readonly type: 'recover'; readonly call: number; readonly interruptedCommands: readonly string[] }
  | { readonly type: 'credentials'; readonly question: number; readonly credentials: Credentials }
  | { readonly type: 'no-credentials'; readonly question: number; readonly why: string };

export type FromExecutor =
  | { readonly type: 'outcome'; readonly call: number; readonly outcome: CommandOutcome }
  | { readonly type: 'noop'; readonly call: number; readonly isNoop: boolean }
  | { readonly type: 'recovered'; readonly call: number }
  | { readonly type: 'fault'; readonly call: number; readonly message: string }
  | { readonly type: 'need-credentials'; readonly question: number }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: LogFields;
    };
