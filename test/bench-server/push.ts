/** Whether the server goes on answering while large bundles are pushed to it: the gaps of its event loop, and a deployment meanwhile. */
import { randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { systemClock } from '../../src/system/clock.ts';
import type { Figure } from '../bench/figures.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { deploy } from './deployments.ts';
import { startFleet } from './fleet.ts';
import { type Ground, prepareGround } from './ground.ts';

const MIB = 1024 * 1024;
const PART_BYTES = 8 * MIB;
const PARTS = 128;
const WHOLE_BYTES = 256 * MIB;
/** The longest time that requests may have to wait for something else. */
const GAP_GOAL_MS = 20;
const IDLE_MS = 5_000;
const LOG_TRIES = 100;
const LOG_PAUSE_MS = 50;

/** @param request hosts that are deployed to during the second push; goalSeconds for that deployment */
export async function* pushFigures(request: {
  readonly hosts: number;
  readonly goalSeconds: number;
  readonly profileDir: string | null;
}): AsyncGenerator<Figure> {
  const metricsListen = '127.0.0.1:0';
  const { hosts, profileDir } = request;
  await using ground = await prepareGround({ hosts, profileDir, https: false, postgres: null, metricsListen });
  const rest = { unit: 'ms', floor: null, ratio: null } as const;
  const metricsUrl = await metricsUrlOf(ground);
  await longestGapMs(metricsUrl);
  await systemClock.sleep(IDLE_MS);
  const idleMs = await longestGapMs(metricsUrl);
  yield { name: 'for comparison: longest gap of the event loop of an idle server', value: idleMs, ...rest, goal: null };
  await pushAll(ground);
  const what = 'a push of 1 GiB in parts and one of 256 MiB';
  yield {
    name: `longest gap of the event loop during ${what}`,
    value: await longestGapMs(metricsUrl),
    ...rest,
    goal: GAP_GOAL_MS,
  };

  await using _fleet = await startFleet(ground.wire, ground.hosts);
  const admin = managementClient(ground.server.url, credentialsOf(ground));
  await admin.call('CreateApplication', { applicationName: 'app' });
  const pushing = pushAll(ground);
  const seconds = await deploy(admin, 'AllAtOnce');
  const name = `AllAtOnce to ${hosts} hosts on SQLite during ${what}`;
  yield { name, value: seconds, unit: 's', floor: null, ratio: null, goal: request.goalSeconds };
  await pushing;
}

/** From the log of the server, which may name it a moment after the server is ready. */
async function metricsUrlOf({ server }: Ground): Promise<string> {
  for (let tries = 0; tries < LOG_TRIES; tries += 1) {
    const url = /metricsUrl\W+(http:[^"\s,]+)/.exec(server.daemon.log())?.[1];
    if (url !== undefined) return `${url}/metrics`;
    await systemClock.sleep(LOG_PAUSE_MS);
  }
  throw new Error('the log of the server does not name the address of its metrics');
}

/** Since it was last asked. */
async function longestGapMs(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const seconds = /^slipway_server_event_loop_delay_seconds\{quantile="1"\} (\S+)$/m.exec(text)?.[1];
  if (seconds === undefined) throw new Error('the server does not say how late its event loop was');
  return Number(seconds) * 1_000;
}

/** A GiB in parts, two at a time as clients send them, and one object of 256 MiB in one piece at the same time. */
async function pushAll(ground: Ground): Promise<void> {
  const client = new S3Client({
    ...{ endpoint: ground.server.s3Url, credentials: credentialsOf(ground), region: 'us-east-1', forcePathStyle: true },
  });
  try {
    await Promise.all([pushInParts(client), pushWhole(client)]);
  } finally {
    client.destroy();
  }
}

async function pushInParts(client: S3Client): Promise<void> {
  const object = { Bucket: 'revisions', Key: 'in-parts.tar' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
  const Body = randomBytes(PART_BYTES);
  const numbers = Array.from({ length: PARTS }, (_, index) => index + 1);
  const sent: { PartNumber: number; ETag: string | undefined }[] = [];
  const sendSome = async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      const { ETag } = await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: number, Body }));
      sent.push({ PartNumber: number, ETag });
    }
  };
  await Promise.all([sendSome(), sendSome()]);
  const Parts = sent.sort((a, b) => a.PartNumber - b.PartNumber);
  await client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts } }));
}

async function pushWhole(client: S3Client): Promise<void> {
  const Body = Buffer.alloc(WHOLE_BYTES, randomBytes(MIB));
  await client.send(new PutObjectCommand({ Bucket: 'revisions', Key: 'whole.tar', Body }));
}

function credentialsOf({ server }: Ground) {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  return { accessKeyId, secretAccessKey };
}
