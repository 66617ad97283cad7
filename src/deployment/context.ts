import type { UnpackLimits } from '../archive/entry-judge.ts';
import type { EntryRules } from '../archive/entry-rules.ts';
import type { SecondWriters } from '../archive/small-files.ts';
import type { GroupNames, SignatureRules } from '../config/group-settings.ts';
import type { EnvironmentRules } from '../hooks/inherited-environment.ts';
import type { LiveOutput } from '../hooks/live-output.ts';
import type { PipeSupply } from '../hooks/pipe-supply.ts';
import type { HookOutputPolicy } from '../hooks/run-event.ts';
import type { HookScopes } from '../hooks/scope.ts';
import type { InstallContext } from '../install/context.ts';
import type { InstallRules } from '../install/types.ts';
import type { Logger } from '../logging/logger.ts';
import type { DeploymentSpecification } from '../protocol/specification.ts';
import type { SignatureFetcher } from '../revision/fetch-signature.ts';
import type { OnProgress } from '../revision/progress.ts';
import type { BundleFetcher } from '../revision/types.ts';
import type { Clock } from '../system/clock.ts';
import type { AppSpecParser } from './appspec-parser.ts';

/**
 * Effect of a failed script of an old revision. `fail`: the event fails, as with the official agents. `warn`: the event succeeds, and log
 * and diagnostics say what failed. `use-new`: as `warn`, and the new revision's own ApplicationStop runs as soon as that revision is here.
 */
export type ApplicationStopPolicy = 'fail' | 'warn' | 'use-new';

/** Facilities of this host that the commands of a deployment use. Made once by the executor, or by a local deployment. */
export interface DeploymentContext {
  readonly rootDir: string;
  /** The agent's configuration file, for commands in diagnostics; null: the usual one, which need not be named. */
  readonly configFile: string | null;
  readonly programName: string;
  readonly maxRevisions: number;
  /** Limit for one deployment group, on disk; null: none. */
  readonly maxRevisionsBytes: number | null;
  readonly enableArchiveReuse: boolean;
  /** Holds a file for each deployment that runs a command now, named as it is. */
  readonly trackingDir: string;
  /** Keep other users out of what is below `rootDir` (`folder-modes.ts`). */
  readonly restrictFolders: boolean;
  readonly enableDeploymentsLog: boolean;
  readonly limits: UnpackLimits;
  /** The largest bundle, and how long bringing one may take; 0 ms: as long as it takes. */
  readonly downloadLimits?: { readonly maxBytes: number; readonly maxMs: number };
  readonly entryRules: EntryRules;
  /** Start a second thread for bundles of many files; absent: one thread unpacks. */
  readonly secondWriters?: SecondWriters;
  readonly installRules: InstallRules;
  /** Globs of paths that Install neither overwrites nor removes. */
  readonly protectPaths?: readonly string[];
  readonly environmentRules: EnvironmentRules;
  /** The environment that hooks inherit from. */
  readonly baseEnvironment: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL of a hook that has timed out. */
  readonly hookGraceMs: number;
  /** How long the output of a hook may stay open after its exit. */
  readonly hookOutputGraceMs: number;
  readonly hookOutputPolicy: HookOutputPolicy;
  /** Shell text; null: the agent is never updated by order of the service. */
  readonly updateCommand: string | null;
  /** Effect of failed scripts of an old revision. */
  readonly applicationStop: ApplicationStopPolicy;
  readonly hookScopes: HookScopes;
  /** Pipes for the scripts of several events; else they are made for each. Their maker disposes of them. */
  readonly hookPipes?: PipeSupply;
  /** Sends what the scripts of a command write to whoever watches; absent, or null: nobody does. */
  readonly liveOutput?: (hostCommandIdentifier: string) => Pick<LiveOutput, 'add' | 'end'> | null;
  /** Parser that remembers texts; absent: each text is parsed anew. */
  readonly appSpecs?: AppSpecParser;
  readonly install: InstallContext;
  /** Returns the rules for the deployment group of a specification. */
  readonly signatureRules: (names: GroupNames) => SignatureRules;
  readonly fetchBundle: BundleFetcher;
  readonly fetchSignature: SignatureFetcher;
  /** Is told of the download's progress; absent: the log is told now and then. */
  readonly onDownloadProgress?: OnProgress;
  /** Is told how many objects of a revision have been unpacked or installed. */
  readonly onObjects?: (count: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One host command, checked and ready to be carried out. */
export interface CommandRequest {
  readonly hostCommandIdentifier: string;
  readonly commandName: string;
  readonly specification: DeploymentSpecification;
}
