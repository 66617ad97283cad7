/** Sends every operation of S3, and finds out what became of it. */
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf } from '../../src/errors.ts';
import { stateOf } from '../support/folder-state.ts';
import { rawS3 } from '../support/raw-s3.ts';
import type { ControlServer } from '../support/slipway.ts';
import { EFFECTS } from './effects.ts';
import { BUCKET, KEY, modelledOperations } from './model.ts';

export interface OperationReport {
  readonly name: string;
  /** `harmed`: it answered something else, did something else, or changed what it refused to change. */
  readonly ending: 'works' | 'refused' | 'harmed';
  /** null: nothing to say. */
  readonly why: string | null;
}

export async function* tryOperations(server: ControlServer): AsyncGenerator<OperationReport> {
  const credentials = {
    accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const client = new S3Client({
    ...{ endpoint: server.s3Url, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 },
    ...{ disableHostPrefix: true, useArnRegion: false },
  });
  await rawS3(server.s3Url, credentials)({ method: 'PUT', target: `/${BUCKET}/${KEY}`, body: 'the bundle' });
  try {
    for (const { name, send } of modelledOperations()) {
      const effect = EFFECTS[name];
      const why = await (effect === undefined
        ? refusalFault(server, () => send(client))
        : faultOf(() => effect(client)));
      const ending = effect === undefined ? 'refused' : 'works';
      yield why === null ? { name, ending, why } : { name, ending: 'harmed', why };
    }
  } finally {
    client.destroy();
  }
}

async function faultOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** A refusal is in order when it is a 501, and every byte of the store is what it was. */
async function refusalFault(server: ControlServer, send: () => Promise<unknown>): Promise<string | null> {
  const folder = `${server.dataDir}/s3`;
  const before = stateOf(folder);
  const answer = await send().then(
    () => 'a success',
    (error: unknown) => (error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? error) : error),
  );
  if (stateOf(folder) !== before) return 'the store was changed';
  return answer === 501 ? null : `it was answered with ${answer instanceof Error ? answer.message : String(answer)}`;
}
