/** The call by which a host enrols. A token proves who asks, in place of a signature, so it goes over TLS or to the same machine only. */
import type { Clock } from '../../system/clock.ts';
import { createAwsJsonClient } from '../aws-json-client.ts';
import type { ProxyEnvironment } from '../proxy.ts';
import {
  bearerOf,
  ENROL_OPERATION,
  type EnrolHostInput,
  type EnrolHostOutput,
  type EnrolmentToken,
} from './enrolment.ts';
import { CONTROL_TARGET, MANAGEMENT_SIGNING_NAME } from './shapes.ts';

const READ_TIMEOUT_MS = 60_000;

/** Asked once: an answer that is lost may have used the token up. Throws what `AwsJsonClient.call` throws. */
export async function enrolHost(
  connection: { readonly endpoint: string; readonly clock: Clock; readonly proxyEnvironment: ProxyEnvironment },
  token: EnrolmentToken,
  input: EnrolHostInput,
): Promise<EnrolHostOutput> {
  const client = createAwsJsonClient({
    ...connection,
    ...{ region: '', signingName: MANAGEMENT_SIGNING_NAME, readTimeoutMs: READ_TIMEOUT_MS, proxyUri: null },
    credentials: async () => Promise.reject(new Error('a request with a token is not signed')),
    bearer: bearerOf(token),
  });
  return (await client.call(`${CONTROL_TARGET}.${ENROL_OPERATION}`, input)) as EnrolHostOutput;
}
