import { describe, expect, test } from 'vitest';
import { SlipwayError } from '../../../src/errors.ts';
import { AwsFault, callAws } from '../../../src/server/outside/aws/aws-fault.ts';
import { afterFault, ownFault } from '../../../src/server/work/shift-retry.ts';

const answered = (name: string, httpStatusCode: number) =>
  Object.assign(new Error('no'), { name, $metadata: { httpStatusCode } });
const network = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
const PACKAGE = new SlipwayError('PACKAGE_MISSING', 'the package x is not installed', { remedy: 'Install it.' });
const REGION = new Error('Region not accepted: region="a b" is not a valid hostname component.');

/** The fault that a call to AWS makes of an error. */
async function faultOf(error: unknown): Promise<AwsFault> {
  const fault = await callAws('GetAlias shop:live', () => Promise.reject(error)).catch((caught: unknown) => caught);
  if (fault instanceof AwsFault) return fault;
  throw new Error('no fault');
}

describe('a fault of AWS', () => {
  test.each<[string, unknown, 'again' | 'given-up', 'again' | 'given-up']>([
    ['keys that AWS does not know', answered('UnrecognizedClientException', 403), 'given-up', 'again'],
    ['a wrong secret', answered('SignatureDoesNotMatch', 403), 'given-up', 'again'],
    ['no keys at all', Object.assign(new Error('x'), { name: 'CredentialsProviderError' }), 'given-up', 'again'],
    ['keys that have expired', answered('ExpiredTokenException', 403), 'again', 'again'],
    ['a right that is missing', answered('AccessDeniedException', 403), 'again', 'again'],
    ['a region that does not exist', network('ENOTFOUND'), 'given-up', 'again'],
    ['a region that cannot be one', REGION, 'given-up', 'again'],
    ['a function that is missing', answered('ResourceNotFoundException', 404), 'given-up', 'given-up'],
    ['a parameter that is refused', answered('InvalidParameterValueException', 400), 'given-up', 'given-up'],
    ['a quota', answered('LimitExceededException', 400), 'given-up', 'given-up'],
    ['a package that is not installed', PACKAGE, 'given-up', 'given-up'],
    ['too many calls', answered('TooManyRequestsException', 429), 'again', 'again'],
    ['a fault of Lambda', answered('ServiceException', 500), 'again', 'again'],
    ['a service that is down', answered('ServiceUnavailable', 503), 'again', 'again'],
    ['a name server that is down', network('EAI_AGAIN'), 'again', 'again'],
    ['nobody who listens', network('ECONNREFUSED'), 'again', 'again'],
    ['a connection that breaks', network('ECONNRESET'), 'again', 'again'],
    ['no answer in time', Object.assign(new Error('x'), { name: 'TimeoutError' }), 'again', 'again'],
    ['an answer that nobody understands', new SyntaxError('Unexpected token <'), 'again', 'again'],
  ])('%s', async (_, error, before, once) => {
    const fault = await faultOf(error);
    const about = { code: 'INTERNAL_ERROR', nowMs: 1_000 };
    expect(afterFault(null, fault, { ...about, hasBegun: false }).is).toBe(before);
    expect(afterFault(null, fault, about).is).toBe(once);
  });
});

test.each([
  [new TypeError('x is not a function'), true],
  [new RangeError('x'), true],
  [new Error('the database is down'), false],
  [new SlipwayError('SERVER_DATABASE_AWAY', 'the database cannot be used just now', { remedy: 'Wait.' }), false],
])('%s: whether the fault is the server’s own and comes again: %s', (error, isOwn) => {
  expect(ownFault(error) !== null).toBe(isOwn);
});
