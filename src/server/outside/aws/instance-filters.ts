/**
 * Tag filters of deployment groups as filters of DescribeInstances. Pure.
 *
 * EC2 takes wildcards where CodeDeploy's filters mean the letters, and `tag-key` and `tag-value` need not mean the same tag. So values are escaped,
 * and what EC2 has found is looked at again.
 */

/** As the API of CodeDeploy has it; without a type it is KEY_AND_VALUE. */
export interface Ec2TagFilter {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
}

export interface InstanceFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Selects instances that run, will run, or could run again; one that shuts down or is terminated is no host any more. */
const STATES: InstanceFilter = { name: 'instance-state-name', values: ['pending', 'running', 'stopping', 'stopped'] };

function filterOf({ Key = '', Value = '', Type }: Ec2TagFilter): InstanceFilter {
  switch (Type) {
    case 'KEY_ONLY':
      return { name: 'tag-key', values: [escapeWildcards(Key)] };
    case 'VALUE_ONLY':
      return { name: 'tag-value', values: [escapeWildcards(Value)] };
    default:
      // The name of a filter knows no wildcards.
      return { name: `tag:${Key}`, values: [escapeWildcards(Value)] };
  }
}

function escapeWildcards(text: string): string {
  return text.replaceAll(/[\\*?]/g, (character) => `\\${character}`);
}

/**
 * The questions whose answers together hold every instance that matches one filter of each list: one for each filter of the shortest list.
 */
export function questionsFor(lists: readonly (readonly Ec2TagFilter[])[]): readonly (readonly InstanceFilter[])[] {
  const [shortest = []] = [...lists].sort((a, b) => a.length - b.length);
  return shortest.map((filter) => [filterOf(filter), STATES]);
}

/** Whether an instance with these tags matches one filter of each list. */
export function matchesAll(tags: ReadonlyMap<string, string>, lists: readonly (readonly Ec2TagFilter[])[]): boolean {
  return lists.every((filters) => filters.some((filter) => matches(tags, filter)));
}

function matches(tags: ReadonlyMap<string, string>, { Key = '', Value = '', Type }: Ec2TagFilter): boolean {
  if (Type === 'KEY_ONLY') return tags.has(Key);
  return Type === 'VALUE_ONLY' ? [...tags.values()].includes(Value) : tags.get(Key) === Value;
}
