/** Instances of EC2 by their tags. */
import { AwsFault, callAws } from './aws-fault.ts';
import { askEc2, type Ec2Context, itemsOf, objectOf, textOf, type XmlObject } from './ec2-query.ts';
import { type Ec2TagFilter, type InstanceFilter, matchesAll, questionsFor } from './instance-filters.ts';

export interface Ec2Instance {
  readonly id: string;
  readonly arn: string;
  readonly zone: string | null;
}

/** Pages of one question. A part of a fleet is no answer: hosts would be left out unsaid. */
const MAX_PAGES = 100;
const PAGE = 1_000;

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
    const answer = await callAws(call, () => askEc2(ctx, 'DescribeInstances', parameters, signal));
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
