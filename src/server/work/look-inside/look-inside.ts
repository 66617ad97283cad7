/**
 * Looks into a revision's bundle for people: the list of its files and its AppSpec text. The bundle is read in pieces, from the server's own
 * store or from S3, and only so far. Nothing that is found here decides anything.
 */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../errors.ts';
import { isWebAddress, type RevisionLocation } from '../../../protocol/management/revision-location.ts';
import type { OpenedObject, OpenObject } from '../../outside/open-object.ts';
import type { AppSpecText, BundleList, FromThread, LookLimits, LookTask, ToThread } from './messages.ts';

export type InsideOfRevision =
  | (BundleList & { readonly sizeBytes: number })
  /** Why the server cannot look into it, and what to do. */
  | { readonly cannot: string };

export const LOOK_LIMITS: LookLimits = {
  maxEntries: 5_000,
  maxReadBytes: 256 * 1024 * 1024,
  maxUnpackedBytes: 1024 * 1024 * 1024,
  maxAppSpecBytes: 64 * 1024,
  maxMs: 10_000,
};
/** Megabytes of heap. A thread that needs more is ended. */
const HEAP = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };
/** For the thread's start, which is slow on a busy machine. The thread ends a look by itself; one that hangs is ended after this; ms. */
const GRACE_MS = 15_000;
/** Looks at the same time; each may take a core. */
const MOST_AT_ONCE = 2;

const BUNDLES: Readonly<Record<string, LookTask['format']>> = { zip: 'zip', tgz: 'tar', tar: 'tar' };

/** @param open reads objects; null: the server reads none of this bucket */
export function createLookInside(
  openIn: (bucket: string) => OpenObject | null,
  limits = LOOK_LIMITS,
): (location: RevisionLocation) => Promise<InsideOfRevision> {
  let underWay = 0;
  return async (location) => {
    if (underWay >= MOST_AT_ONCE) {
      return { cannot: `The server looks into ${underWay} revisions at this moment. Try again in a few seconds.` };
    }
    underWay += 1;
    try {
      return await look(location, openIn, limits);
    } catch (error) {
      return { cannot: `The bundle cannot be read: ${messageOf(error)}` };
    } finally {
      underWay -= 1;
    }
  };
}

async function look(
  { s3Location, gitHubLocation, appSpecContent, string }: RevisionLocation,
  openIn: (bucket: string) => OpenObject | null,
  limits: LookLimits,
): Promise<InsideOfRevision> {
  if (gitHubLocation !== undefined) {
    return { cannot: 'The server does not look into revisions of git repositories: hosts fetch those by themselves.' };
  }
  if (s3Location === undefined) return alone((appSpecContent ?? string)?.content);
  const { bucket = '', key = '', version = null, bundleType = '', eTag } = s3Location;
  if (isWebAddress(bucket)) {
    return { cannot: 'The server does not look into bundles of web servers: hosts fetch those by themselves.' };
  }
  const open = openIn(bucket);
  if (open === null) {
    return {
      cannot: `The server reads no bucket ${bucket}: it is none of its own store, and the server asks no AWS (--aws-region).`,
    };
  }
  const ended = new AbortController();
  try {
    const object = await open(
      { bucket, key, version },
      AbortSignal.any([ended.signal, AbortSignal.timeout(limits.maxMs + GRACE_MS)]),
    );
    const name = `s3://${bucket}/${key}`;
    if (object === null) return { cannot: `There is no object ${name} any more. Push the revision again.` };
    if (eTag !== undefined && eTag.replaceAll('"', '') !== object.eTag) {
      return {
        cannot: `${name} has the ETag ${object.eTag} now, and the revision is the one with ${eTag}: it was replaced.`,
      };
    }
    const format = BUNDLES[bundleType];
    const list = format === undefined ? await textAlone(object, key, limits) : await inThread(object, format, limits);
    return { ...list, sizeBytes: object.sizeBytes };
  } finally {
    ended.abort();
  }
}

/** A revision that is an AppSpec file and nothing else. */
function alone(content: string | undefined): InsideOfRevision {
  if (content === undefined) return { cannot: 'The server has kept the sum of this AppSpec file, and not its text.' };
  const text = { path: 'AppSpec', text: content, isComplete: true };
  return { files: [], appSpec: text, stoppedBecause: null, sizeBytes: Buffer.byteLength(content) };
}

async function textAlone(object: OpenedObject, path: string, { maxAppSpecBytes }: LookLimits): Promise<BundleList> {
  const bytes = await object.read(0, Math.min(object.sizeBytes, maxAppSpecBytes));
  const isComplete = object.sizeBytes <= maxAppSpecBytes;
  const appSpec: AppSpecText = { path, text: new TextDecoder().decode(bytes), isComplete };
  return { files: [], appSpec, stoppedBecause: null };
}

async function inThread(object: OpenedObject, format: LookTask['format'], limits: LookLimits): Promise<BundleList> {
  const workerData: LookTask = { format, sizeBytes: object.sizeBytes, limits };
  const thread = new Worker(programFile(), { workerData, resourceLimits: HEAP, stdout: true, stderr: true });
  const ended = Promise.withResolvers<BundleList>();
  const giveUp = (why: string) => ended.resolve({ files: [], appSpec: null, stoppedBecause: why });
  const timer = setTimeout(() => giveUp(`it was read for ${limits.maxMs / 1000} seconds`), limits.maxMs + GRACE_MS);
  thread.on('message', (message: FromThread) => {
    if (message.kind === 'done') ended.resolve(message.list);
    else void answer(object, message).then((reply) => thread.postMessage(reply));
  });
  thread.on('error', (error) => giveUp(`it cannot be read: ${messageOf(error)}`));
  thread.on('exit', () => giveUp('it cannot be read: the thread that reads it has ended'));
  try {
    return await ended.promise;
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

async function answer(object: OpenedObject, { from, to }: { from: number; to: number }): Promise<ToThread> {
  try {
    return { bytes: await object.read(from, Math.min(to, object.sizeBytes)) };
  } catch (error) {
    return { fault: `its store does not answer: ${messageOf(error)}` };
  }
}

/** The source in a checkout, the bundle in a package. */
function programFile(): URL {
  const source = new URL('./thread-main.ts', import.meta.url);
  return existsSync(source) ? source : new URL('../server/look-inside.js', import.meta.url);
}
