/**
 * The one question that the server asks of EC2. It is signed and read here, because the SDK's client takes 28 MB on disk and 109 MB of
 * memory.
 *
 * @see the API of EC2, "Query requests"
 */
import { XMLParser } from 'fast-xml-parser';
import { signRequest } from '../../../protocol/sigv4/sign.ts';
import { readAnswer } from '../read-answer.ts';
import type { AwsClients } from './aws.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import { type Ec2TagFilter, type InstanceFilter, matchesAll, questionsFor } from './instance-filters.ts';

export interface Ec2Instance {
  readonly id: string;
  readonly arn: string;
  readonly zone: string | null;
}

/** Pages of one question. A part of a fleet is no answer: hosts would be left out unsaid. */
const MAX_PAGES = 100;
const PAGE = 1_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

type Ec2Context = Pick<AwsClients, 'region' | 'credentials' | 'ec2Endpoint' | 'clock'>;

/** Instances that match one filter of each list, in the order of their ids. @throws AwsFault */
export async function findInstances(
  ctx: Ec2Context,
  lists: readonly (readonly Ec2TagFilter[])[],
  signal: AbortSignal,
): Promise<readonly Ec2Instance[]> {
  const found = new Map<string, Ec2Instance>();
  for (const filters of questionsFor(lists)) {
    for (const { instance, tags } of await describe(ctx, filters, signal)) {
      if (matchesAll(tags, lists)) found.set(instance.id, instance);
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

interface Described {
  readonly instance: Ec2Instance;
  readonly tags: ReadonlyMap<string, string>;
}

async function describe(
  ctx: Ec2Context,
  filters: readonly InstanceFilter[],
  signal: AbortSignal,
): Promise<readonly Described[]> {
  const call = `DescribeInstances ${filters[0]?.name ?? ''}`;
  const found: Described[] = [];
  let nextToken: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const parameters: Record<string, string> = { MaxResults: String(PAGE) };
    if (nextToken !== null) parameters['NextToken'] = nextToken;
    for (const [index, { name, values }] of filters.entries()) {
      parameters[`Filter.${index + 1}.Name`] = name;
      for (const [at, value] of values.entries()) parameters[`Filter.${index + 1}.Value.${at + 1}`] = value;
    }
    const answer = await callAws(call, () => ask(ctx, 'DescribeInstances', parameters, signal));
    for (const reservation of itemsOf(answer['reservationSet'])) {
      for (const instance of itemsOf(reservation['instancesSet'])) {
        found.push(described(instance, textOf(reservation['ownerId']), ctx.region));
      }
    }
    nextToken = textOf(answer['nextToken']) || null;
    if (nextToken === null) return found;
  }
  const answer = `more than ${MAX_PAGES} pages of instances match the filter`;
  throw new AwsFault(call, { trouble: 'limit', code: '', answer });
}

function described(instance: XmlObject, ownerId: string, region: string): Described {
  const id = textOf(instance['instanceId']);
  const placement = objectOf(instance['placement']);
  const tags = itemsOf(instance['tagSet']).map((tag) => [textOf(tag['key']), textOf(tag['value'])] as const);
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  const arn = `arn:${partition}:ec2:${region}:${ownerId}:instance/${id}`;
  return { instance: { id, arn, zone: textOf(placement['availabilityZone']) || null }, tags: new Map(tags) };
}

type XmlObject = Readonly<Record<string, unknown>>;

/** @throws an error with the name, the status and the request id of AWS' answer, as those of the SDK */
async function ask(
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

function objectOf(value: unknown): XmlObject {
  return typeof value === 'object' && value !== null ? (value as XmlObject) : {};
}

function itemsOf(value: unknown): readonly XmlObject[] {
  const { item } = objectOf(value);
  return Array.isArray(item) ? item.map(objectOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
