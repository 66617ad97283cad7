/** Downloads and uploads over real sockets that stay in their middle for as long as a test wants. */
import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { SignatureV4 } from '@smithy/signature-v4';
import { requestFor } from '../../src/protocol/sigv4/request.ts';
import { Sha256 } from '../../src/protocol/sigv4/sha256.ts';
import type { KeyPair } from './hand-driven-host.ts';

/** How a transfer has ended. */
export interface TransferEnding {
  /** Status of the answer; null: none came. */
  readonly status: number | null;
  /** Whether all of the content that was announced has come; for an upload: whether the answer has. */
  readonly isWhole: boolean;
  readonly bytes: number;
}

export interface HeldTransfer extends Disposable {
  /** From now on as fast as it goes; a transfer that has been ended ends. */
  goOn(): void;
  readonly ended: Promise<TransferEnding>;
}

/** How a transfer is kept in its middle: a little at a time, or nothing at all. */
export type HoldingBack = 'slowly' | 'not at all';

const PAUSE_MS = 20;
/** For an upload: a million bytes a minute, which no server takes for a client that has gone to sleep. */
const PIECE_BYTES = 4096;

async function open(
  url: string,
  key: KeyPair,
  what: { readonly method: string; readonly target: string; readonly contentSha256: string; readonly length: number },
): Promise<ClientRequest> {
  const signer = new SignatureV4({
    ...{ service: 's3', region: 'us-east-1', credentials: key, sha256: Sha256 },
    ...{ uriEscapePath: false, applyChecksum: false },
  });
  const { method, target } = what;
  const headers = { host: new URL(url).host, 'x-amz-content-sha256': what.contentSha256 };
  const signed = await signer.sign(requestFor({ method, target, headers }));
  const { hostname, port } = new URL(url);
  return httpRequest({
    ...{ host: hostname, port, method, path: target, agent: false as const },
    headers: { ...signed.headers, 'content-length': String(what.length) },
  });
}

/** A download that has begun: its head has come, and some of its content. */
export async function heldDownload(url: string, key: KeyPair, target: string, how: HoldingBack): Promise<HeldTransfer> {
  const contentSha256 = createHash('sha256').update('').digest('hex');
  const call = await open(url, key, { method: 'GET', target, contentSha256, length: 0 });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve).once('error', reject).end();
  });
  answer.pause();
  let bytes = 0;
  let isHeld = true;
  const ended = new Promise<TransferEnding>((resolve) => {
    answer.on('error', () => undefined);
    answer.once('close', () => resolve({ status: answer.statusCode ?? null, isWhole: answer.complete, bytes }));
  });
  const begun = Promise.withResolvers<void>();
  answer.on('data', (piece: Buffer) => {
    bytes += piece.length;
    begun.resolve();
    if (!isHeld) return;
    answer.pause();
    if (how === 'slowly') void delay(PAUSE_MS).then(() => answer.resume());
  });
  answer.resume();
  await Promise.race([begun.promise, ended]);
  return {
    ended,
    goOn() {
      isHeld = false;
      answer.resume();
    },
    [Symbol.dispose]: () => void call.destroy(),
  };
}

/** An upload that has begun: the server has a part of its content. */
export async function heldUpload(
  url: string,
  key: KeyPair,
  target: string,
  content: Buffer,
  how: HoldingBack,
): Promise<HeldTransfer> {
  const contentSha256 = createHash('sha256').update(content).digest('hex');
  const call = await open(url, key, { method: 'PUT', target, contentSha256, length: content.length });
  const ended = new Promise<TransferEnding>((resolve) => {
    let status: number | null = null;
    let isWhole = false;
    call.on('error', () => undefined);
    call.on('response', (answer) => {
      status = answer.statusCode ?? null;
      answer.on('error', () => undefined).resume();
      answer.on('end', () => {
        isWhole = true;
      });
    });
    call.once('close', () => resolve({ status, isWhole, bytes: call.socket?.bytesWritten ?? 0 }));
  });
  let sent = 0;
  let isHeld = true;
  const send = (bytes: number) => {
    const piece = content.subarray(sent, sent + bytes);
    sent += piece.length;
    call.write(piece);
  };
  send(PIECE_BYTES);
  const trickle = async () => {
    // The last piece is kept back, so that it is the test that completes the upload.
    while (isHeld && !call.destroyed && sent + PIECE_BYTES < content.length) {
      await delay(PAUSE_MS);
      if (isHeld) send(PIECE_BYTES);
    }
  };
  if (how === 'slowly') void trickle();
  return {
    ended,
    goOn() {
      isHeld = false;
      call.end(content.subarray(sent));
    },
    [Symbol.dispose]: () => void call.destroy(),
  };
}

/** How many files below a folder a process has open. */
export function openFilesBelow(pid: number, folder: string): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(folder);
    } catch {
      // Closed since the folder was read.
      return false;
    }
  }).length;
}
