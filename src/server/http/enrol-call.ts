/** The one call that is not signed: a host enrols with a token, which stands in its Authorization header. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../../protocol/errors.ts';
import { parseBearer } from '../../protocol/management/enrolment.ts';
import type { ApiContext } from '../api/context.ts';
import { enrolHost, requireToken } from '../api/enrol-host.ts';
import type { Connections } from '../connections/connections.ts';
import type { Rates } from '../connections/rates.ts';
import { readJson } from './read-json.ts';

interface EnrolContext {
  readonly api: ApiContext;
  readonly connections: Pick<Connections, 'clientOf' | 'readBody'>;
  readonly rates: Rates;
}

/** A name and a flag. */
const MAX_BODY_BYTES = 4_096;

/** The token is looked at before the body is read, as keys are. @throws ApiError */
export async function callEnrol(
  { api, connections, rates }: EnrolContext,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<object> {
  const given = parseBearer(request.headers.authorization);
  if (given === null) {
    throw new ApiError(
      'MissingAuthenticationTokenException',
      'A host enrols with a token: the header Authorization must be Bearer and the token.',
      { status: 403 },
    );
  }
  const claim = { client: connections.clientOf(request), id: given.tokenId };
  rates.admit(claim);
  const token = await requireToken(api, given, () => rates.failed(claim));
  rates.proved(claim, 'token');
  const body = await connections.readBody(request, response, MAX_BODY_BYTES);
  return enrolHost(api, token, readJson(body), requestId);
}
