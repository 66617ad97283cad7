/**
 * Calls to EC2. They are signed and read here, because the SDK's client takes 28 MB on disk and 109 MB of memory.
 *
 * @see the API of EC2, "Query requests"
 */
import { XMLParser } from 'fast-xml-parser';
import { signRequest } from '../../../protocol/sigv4/sign.ts';
import { readAnswer } from '../read-answer.ts';
import type { AwsClients } from './aws.ts';

export type Ec2Context = Pick<AwsClients, 'region' | 'credentials' | 'ec2Endpoint' | 'clock'>;

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export type XmlObject = Readonly<Record<string, unknown>>;

/** Makes one call. @throws an error with the name, the status and the request id of AWS' answer, as those of the SDK */
export async function askEc2(
  { region, credentials, ec2Endpoint, clock }: Ec2Context,
  action: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<XmlObject> {
  const body = new URLSearchParams({ Action: action, Version: '2016-11-15', ...parameters }).toString();
  const url = new URL(ec2Endpoint());
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const request = { method: 'POST', url, headers, body };
  const signed = await signRequest(request, await credentials(), { service: 'ec2', region }, clock.now());
  const answer = await fetch(url, { method: 'POST', headers: signed, body, signal, redirect: 'error' });
  const document = readXml(await readAnswer(answer, MAX_ANSWER_BYTES));
  if (answer.ok) {
    const content = document[`${action}Response`];
    // Somebody else's page is no word on how many instances there are.
    if (content === undefined) throw new Error(`the answer is no ${action}Response`);
    return objectOf(content);
  }
  const response = objectOf(document['Response']);
  const error = objectOf(objectOf(response['Errors'])['Error']);
  throw Object.assign(new Error(textOf(error['Message']) || `it answered ${answer.status}`), {
    name: textOf(error['Code']) || 'Error',
    $metadata: { httpStatusCode: answer.status, requestId: textOf(response['RequestID']) },
  });
}

/** Answers come from AWS over TLS; entities are expanded anyway only as far as XML has them by itself. */
function readXml(text: string): XmlObject {
  if (text.includes('<!')) throw new Error('the answer has a declaration that no answer of EC2 has');
  const parser = new XMLParser({
    ignoreAttributes: true,
    parseTagValue: false,
    processEntities: true,
    htmlEntities: true,
    ignoreDeclaration: true,
    isArray: (name) => name === 'item',
  });
  return objectOf(parser.parse(text));
}

export function objectOf(value: unknown): XmlObject {
  return typeof value === 'object' && value !== null ? (value as XmlObject) : {};
}

export function itemsOf(value: unknown): readonly XmlObject[] {
  const { item } = objectOf(value);
  return Array.isArray(item) ? item.map(objectOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
