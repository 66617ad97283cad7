/** Requests to the revision store that are under way, by the key that each was signed with, so that they can be ended with it. */
import { S3Error } from './s3-error.ts';

export interface Transfers {
  /** Dispose of it when the request is over. */
  begin(accessKeyId: string): Transfer;
  /** Lists the transfers that have not been ended; `end` aborts the transfer's signal. */
  underWay(): readonly TransferUnderWay[];
}

export interface Transfer extends Disposable {
  /** Aborts, with the error that the client is told, when the key has lost its power. */
  readonly signal: AbortSignal;
}

export interface TransferUnderWay {
  readonly accessKeyId: string;
  end(): void;
}

export function createTransfers(): Transfers {
  const transfers = new Set<TransferUnderWay>();
  return {
    begin(accessKeyId) {
      const ending = new AbortController();
      const transfer: TransferUnderWay = {
        accessKeyId,
        end() {
          transfers.delete(transfer);
          ending.abort(keyHasLostPower());
        },
      };
      transfers.add(transfer);
      return {
        signal: ending.signal,
        [Symbol.dispose]: () => void transfers.delete(transfer),
      };
    },
    underWay: () => [...transfers],
  };
}

/** For a key that was disabled, or whose host was deregistered, since the request was let in. */
export function keyHasLostPower(): S3Error {
  return new S3Error('AccessDenied', 403, 'The access key has been disabled meanwhile. Nothing was changed.');
}
