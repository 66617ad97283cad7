import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { deleteObjects } from '../../../src/server/s3/delete-objects.ts';
import type { ObjectStore } from '../../../src/server/s3/object-store.ts';
import type { ChangedObject, S3Request } from '../../../src/server/s3/s3-request.ts';

const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);

/** A request to delete all keys. @param noted gets what it says that it has changed */
function requestTo(signal: AbortSignal, noted: ChangedObject[]): S3Request {
  const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('');
  const message = Object.assign(Readable.from([Buffer.from(`<Delete>${objects}</Delete>`)]), { complete: true });
  return {
    ...{ message, signal, bucket: 'revisions', headers: {}, body: { sha256: null, chunked: 'no', signing: null } },
    requireStillAllowed: async () => undefined,
    requireOwnKey: () => undefined,
    noteChange: async (some: readonly ChangedObject[]) => void noted.push(...some),
  } as unknown as S3Request;
}

test.each(['the disk fails', 'the key loses its power'])(
  'what a request has deleted before %s in its middle is noted, and nothing else',
  async (what) => {
    const ending = new AbortController();
    const hidden: string[] = [];
    const hide = async (_bucket: string, key: string) => {
      // The others of its kind go on a little longer.
      if (what === 'the disk fails' && key === 'key-20') throw new Error(what);
      await new Promise((resolve) => setImmediate(resolve));
      if (what !== 'the disk fails' && key === 'key-20') ending.abort(new Error(what));
      hidden.push(key);
      return { kind: 'delete-marker', key, version: `of-${key}` };
    };
    const noted: ChangedObject[] = [];
    const deleting = deleteObjects({ hide } as unknown as ObjectStore, requestTo(ending.signal, noted));
    await expect(deleting).rejects.toThrow(what);
    expect(hidden.length).toBeGreaterThan(16);
    expect(hidden.length).toBeLessThan(keys.length);
    expect(noted).toEqual(hidden.map((key) => ({ key, version: `of-${key}` })));
  },
);
