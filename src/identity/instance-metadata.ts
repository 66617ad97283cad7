import { Agent, request } from 'node:http';
import { messageOf, SlipwayError } from '../errors.ts';

/** The instance metadata service of EC2. */
export interface InstanceMetadata {
  /**
   * The text at a path; null: there is none.
   *
   * @param deadline ends the question, `metadataDeadline()`
   * @throws SlipwayError AGENT_NO_METADATA, in any case when the deadline has come
   */
  get(path: string, deadline: AbortSignal): Promise<string | null>;
}

const DEFAULT_ENDPOINT = 'http://169.254.169.254';
const TOKEN_SECONDS = 21_600;
/** From the connection to the last byte of an answer. Off EC2 nothing answers, and a start must not hang on it. */
const ANSWER_MS = 1_000;
/** For all questions that are asked to know one thing: who this host is, or its credentials. */
const QUESTIONS_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @returns a deadline for all questions that are asked to know one thing */
export function metadataDeadline(): AbortSignal {
  return AbortSignal.timeout(QUESTIONS_MS);
}

/**
 * A client of the instance metadata service, version 2: a token first, then the questions; never through a proxy, never following a
 * redirect.
 *
 * @param options.allowVersion1 ask without a token where none is given
 */
export function createInstanceMetadata(options: {
  readonly endpoint?: string | undefined;
  readonly allowVersion1: boolean;
}): InstanceMetadata {
  const endpoint = options.endpoint ?? DEFAULT_ENDPOINT;
  const agent = new Agent({ keepAlive: false });
  let token: string | null | undefined;

  async function ask(
    method: 'GET' | 'PUT',
    path: string,
    headers: Record<string, string>,
    deadline: AbortSignal,
  ): Promise<Answer> {
    const whole = AbortSignal.timeout(ANSWER_MS);
    const signal = AbortSignal.any([deadline, whole]);
    return new Promise<Answer>((resolve, reject) => {
      const fail = (error: unknown) => {
        const why = deadline.aborted
          ? `no answers within ${QUESTIONS_MS / 1000} s`
          : whole.aborted
            ? `no whole answer within ${ANSWER_MS / 1000} s`
            : messageOf(error);
        reject(new SlipwayError('AGENT_NO_METADATA', `${method} ${endpoint}${path}: ${why}`, { cause: error }));
      };
      const call = request(new URL(path, endpoint), { method, headers, agent, signal }, (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes > MAX_ANSWER_BYTES) call.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        answer.on('error', fail);
      });
      call.on('error', fail);
      call.end();
    });
  }

  async function getToken(deadline: AbortSignal): Promise<string | null> {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS), 'content-length': '0' };
    const asking = ask('PUT', '/latest/api/token', headers, deadline);
    // Whatever keeps the token from coming, a hop limit that swallows the answer included.
    const answer = options.allowVersion1 ? await asking.catch(() => ({ status: 0, text: '' })) : await asking;
    if (answer.status === 200 && isToken(answer.text)) return answer.text;
    if (options.allowVersion1) return null;
    const what = answer.status === 200 ? 'something that is no token' : answer.status;
    throw new SlipwayError(
      'AGENT_NO_METADATA',
      `${endpoint} gives no token for instance metadata: it answered ${what}`,
    );
  }

  return {
    async get(path, deadline) {
      for (const isLast of [false, true]) {
        token ??= await getToken(deadline);
        const answer = await ask('GET', path, token === null ? {} : { 'x-aws-ec2-metadata-token': token }, deadline);
        if (answer.status === 200) return answer.text;
        if (answer.status === 404) return null;
        if (answer.status !== 401 || isLast) {
          throw new SlipwayError('AGENT_NO_METADATA', `${endpoint}${path} answered ${answer.status}`);
        }
        // A token that has run out is asked for anew, once.
        token = undefined;
      }
      return null;
    },
  };
}

/** Whether a text can stand in a header. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/**
 * The texts of a JSON object of the service.
 *
 * @param what is named in the error
 * @throws SlipwayError AGENT_NO_METADATA for anything but an object; members that are no texts are left out
 */
export function parseMetadata(text: string, what: string): Readonly<Record<string, string | undefined>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SlipwayError('AGENT_NO_METADATA', `${what} of instance metadata is no JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SlipwayError('AGENT_NO_METADATA', `${what} of instance metadata is no JSON object`);
  }
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
