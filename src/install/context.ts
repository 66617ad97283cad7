/** Context of an Install: the host's disk, its programs, its users, and who the agent is on it. */
import type { Logger } from '../logging/logger.ts';
import type { AttributeTools } from './attributes.ts';
import type { SecondThreads } from './crew.ts';
import type { InstallFs } from './install-fs.ts';
import type { IdLookup, OwnPlace } from './types.ts';

export interface InstallContext {
  readonly fs: InstallFs;
  readonly tools: AttributeTools;
  readonly ids: IdLookup;
  readonly agentUid: number;
  /** The agent's own files and folders, where nothing is installed. */
  readonly ownPlaces?: readonly OwnPlace[];
  readonly log: Logger;
  /** Without it Installs of any size are done by one thread. */
  readonly secondThread?: SecondThreads;
}
