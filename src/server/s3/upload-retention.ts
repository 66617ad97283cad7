/** Removes uploads that nobody goes on with, which else would take up room for ever. */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { ObjectStore } from './object-store.ts';
import type { UploadStore } from './upload-store.ts';

export interface UploadRetentionContext {
  readonly store: Pick<ObjectStore, 'removeIdleIncoming'>;
  readonly uploads: Pick<UploadStore, 'removeIdle'>;
  readonly clock: Clock;
  readonly log: Logger;
}

const DAY_MS = 24 * 60 * 60_000;
/** How long an upload waits for its next part: long enough for somebody who goes on after a weekend. */
export const UPLOAD_LIFE_MS = 7 * DAY_MS;
/**
 * Age in ms at which an incoming file counts as abandoned. A body brings a kilobyte each second or its connection is closed, and a copy
 * takes minutes. So an older file is from a dead server.
 */
const INCOMING_LIFE_MS = DAY_MS;
const LOOK_MS = 60 * 60_000;

/** Begins to remove them, at once and every hour. */
export function startUploadRetention({ store, uploads, clock, log }: UploadRetentionContext): Repeated {
  return repeatedly(clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, async () => {
    try {
      const abandoned = await uploads.removeIdle(clock.now() - UPLOAD_LIFE_MS);
      if (abandoned > 0) log.info('uploads that nobody went on with for a week were removed', { uploads: abandoned });
      await store.removeIdleIncoming(clock.now() - INCOMING_LIFE_MS);
    } catch (error) {
      log.error('abandoned uploads could not be removed just now; it is tried again', { error });
    }
  });
}
