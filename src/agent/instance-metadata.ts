import { Agent, request } from 'node:http';
import { SlipwayError } from '../errors.ts';

/** The instance metadata service of EC2. */
export interface InstanceMetadata {
  /** The text at a path; null: there is none. @throws when the service does not answer */
  get(path: string): Promise<string | null>;
}

const DEFAULT_ENDPOINT = 'http://169.254.169.254';
const TOKEN_SECONDS = 21_600;
/** Off EC2 nothing answers, and a start must not hang on it. */
const ANSWER_MS = 1_000;
const MAX_ANSWER_BYTES = 64 * 1024;

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
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, endpoint), { method, headers, agent, timeout: ANSWER_MS }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on('error', reject);
      });
      call.on('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      call.on('error', reject);
      call.end();
    });
  }

  async function getToken(): Promise<string | null> {
    const asking = ask('PUT', '/latest/api/token', {
      'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS),
      'content-length': '0',
    });
    // Whatever keeps the token from coming, a hop limit that swallows the answer included.
    const answer = options.allowVersion1 ? await asking.catch(() => ({ status: 0, text: '' })) : await asking;
    if (answer.status === 200 && answer.text !== '') return answer.text;
    if (options.allowVersion1) return null;
    throw new SlipwayError(
      'AGENT_NO_METADATA',
      `${endpoint} gives no token for instance metadata: it answered ${answer.status}`,
    );
  }

  return {
    async get(path) {
      for (const isLast of [false, true]) {
        token ??= await getToken();
        const answer = await ask('GET', path, token === null ? {} : { 'x-aws-ec2-metadata-token': token });
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
