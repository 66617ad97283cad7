import type { Clock } from '../../system/clock.ts';
import { createAwsJsonClient } from '../aws-json-client.ts';
import type { ProxyEnvironment } from '../proxy.ts';
import type { CredentialProvider } from '../sigv4/credentials.ts';
import {
  CONTROL_TARGET,
  isControlOperation,
  MANAGEMENT_SIGNING_NAME,
  MANAGEMENT_TARGET,
  type ManagementOperation,
  type ManagementOperations,
} from './shapes.ts';

/** A caller of the management API. Times are epoch seconds, as on the wire. */
export interface ManagementClient {
  /** Throws what `AwsJsonClient.call` throws. */
  call<Op extends ManagementOperation>(
    operation: Op,
    input: ManagementOperations[Op]['input'],
    signal?: AbortSignal,
  ): Promise<ManagementOperations[Op]['output']>;
}

/** Management calls answer at once; a minute is for a server under load. */
const READ_TIMEOUT_MS = 60_000;

/** @throws SlipwayError SERVER_ADDRESS_INVALID when the endpoint, or a proxy that the environment names, is no address to talk to */
export function createManagementClient(options: {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: CredentialProvider;
  readonly clock: Clock;
  readonly proxyEnvironment?: ProxyEnvironment;
}): ManagementClient {
  const client = createAwsJsonClient({
    ...options,
    signingName: MANAGEMENT_SIGNING_NAME,
    readTimeoutMs: READ_TIMEOUT_MS,
    proxyUri: null,
    proxyEnvironment: options.proxyEnvironment ?? process.env,
  });
  return {
    async call(operation, input, signal) {
      const prefix = isControlOperation(operation) ? CONTROL_TARGET : MANAGEMENT_TARGET;
      const output = await client.call(`${prefix}.${operation}`, input, signal);
      return output as ManagementOperations[typeof operation]['output'];
    },
  };
}
