/** Messages between the daemon and its executor processes. Everything is plain JSON. */
import type { AgentConfig } from '../../config/agent-config.ts';
import type { CommandRequest } from '../../deployment/context.ts';
import type { ErrorCode } from '../../errors.ts';
import type { OutputBatch } from '../../hooks/live-output.ts';
import type { LogFields } from '../../logging/logger.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { Envelope, HostCommand } from '../../protocol/host-command/shapes.ts';
import type { Order } from '../../protocol/order.ts';
import type { Credentials } from '../../protocol/sigv4/credentials.ts';
import type { DeploymentSpecification } from '../../protocol/specification.ts';

/** Facts that an executor has to know about its host. They are told once, at its start. */
export interface ExecutorSettings {
  readonly config: AgentConfig;
  readonly region: string;
  /** This host's own, which commands and signed orders must name. */
  readonly hostIdentifier: string;
  /** Environment that scripts inherit. */
  readonly hookEnvironment: Readonly<Record<string, string | undefined>>;
  /** null: any signer of a specification is accepted, and trust rests on TLS. */
  readonly caCertificatePem: string | null;
}

/** A specification that belongs to the command that it was opened for. */
export interface OpenedSpecification {
  readonly specification: DeploymentSpecification;
  /** Order that the server signed with it; null: the server signs no orders. */
  readonly order: Order | null;
}

export type ToExecutor =
  | { readonly type: 'settings'; readonly settings: ExecutorSettings }
  /** `envelope` is what the wire brought for the command: anything. */
  | {
      readonly type: 'open';
      readonly call: number;
      readonly envelope: Envelope | undefined;
      readonly command: HostCommand;
    }
  /** `isWatched`: what the scripts write is sent on while they run. */
  | { readonly type: 'run'; readonly call: number; readonly request: CommandRequest; readonly isWatched: boolean }
  /** The last `output` of this command has arrived, or is given up. */
  | { readonly type: 'output-taken'; readonly hostCommandIdentifier: string }
  | { readonly type: 'is-noop'; readonly call: number; readonly request: CommandRequest }
  | { readonly type: 'recover'; readonly call: number; readonly interruptedCommands: readonly string[] }
  | { readonly type: 'credentials'; readonly question: number; readonly credentials: Credentials }
  | { readonly type: 'no-credentials'; readonly question: number; readonly why: string };

export type FromExecutor =
  | ({ readonly type: 'specification'; readonly call: number } & OpenedSpecification)
  /** `residentBytes`: what the process takes of memory now. `handledObjects`: of revisions, unpacked or installed. */
  | {
      readonly type: 'outcome';
      readonly call: number;
      readonly outcome: CommandOutcome;
      readonly residentBytes: number;
      readonly handledObjects: number;
    }
  | { readonly type: 'noop'; readonly call: number; readonly isNoop: boolean }
  | { readonly type: 'recovered'; readonly call: number }
  | {
      readonly type: 'fault';
      readonly call: number;
      readonly code: ErrorCode;
      readonly message: string;
      readonly remedy: string;
    }
  | { readonly type: 'need-credentials'; readonly question: number }
  /** Output of the scripts of a command. The next message comes once this one has been taken, or at the end of the event. */
  | ({ readonly type: 'output'; readonly hostCommandIdentifier: string } & OutputBatch)
  /** For the wire log, which one process must write. */
  | { readonly type: 'wire'; readonly text: string }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: LogFields;
    };
