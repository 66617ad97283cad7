/**
 * Scope of an access key: it limits the key to applications and deployment groups, by patterns of their names. Pure.
 *
 * A scope only ever narrows. With patterns of applications and of groups, both must fit. It is given when the key is made, and never changed.
 */
import { isStarPattern, starMatcher } from '../../system/wildcards.ts';

export interface HostTag {
  readonly Key: string;
  readonly Value: string;
}

export interface KeyScope {
  /** Patterns of names, `*` for any number of characters. None: whatever the groups allow. */
  readonly applications: readonly string[];
  /** `APPLICATION/GROUP`, each a pattern. None: every group of the applications. */
  readonly groups: readonly string[];
  /** Tags of the hosts that the key may give to groups. None: it may not choose hosts. */
  readonly hostTags: readonly HostTag[];
}

/** Tells which applications and groups a scope lets through. A key without a scope reaches everything. */
export interface Reach {
  /** Whether the application is covered as a whole, with all groups that it has and may get. */
  hasApplication(applicationName: string): boolean;
  /** Whether at least one group of the application could be covered: then it may be looked into, and be given revisions. */
  hasPartOf(applicationName: string): boolean;
  hasGroup(applicationName: string, groupName: string): boolean;
}

const ALL: Reach = { hasApplication: () => true, hasPartOf: () => true, hasGroup: () => true };

/** @param scope null: everything */
export function reachOf(scope: KeyScope | null): Reach {
  if (scope === null) return ALL;
  const applications = scope.applications.map(starMatcher);
  const groups = scope.groups.map((pattern) => {
    const [application = '', group = ''] = pattern.split('/');
    return { application: starMatcher(application), group: starMatcher(group) };
  });
  const isNamed = (name: string) => applications.length === 0 || applications.some((matches) => matches(name));
  return {
    hasApplication: (name) => groups.length === 0 && isNamed(name),
    hasPartOf: (name) => isNamed(name) && (groups.length === 0 || groups.some((one) => one.application(name))),
    hasGroup: (name, group) =>
      isNamed(name) && (groups.length === 0 || groups.some((one) => one.application(name) && one.group(group))),
  };
}

const MAX_PATTERNS = 20;

function isGroupPattern(text: string): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every(isStarPattern);
}

/** @param role of the key @returns what is wrong with a scope; null: nothing */
export function problemOfScope({ applications, groups, hostTags }: KeyScope, role: string): string | null {
  if (role === 'admin')
    return 'a key of role admin can make any other key, so nothing would limit it; make an operator or a viewer';
  if (role === 'host') return 'a key of role host speaks for its host, whatever is deployed to it';
  if (role === 'hook' && hostTags.length > 0)
    return 'a key of role hook chooses no hosts, so tags of hosts limit nothing';
  if (applications.length + groups.length === 0) {
    return 'tags of hosts limit a key that is limited to applications or groups, and neither is given';
  }
  const longest = Math.max(applications.length, groups.length, hostTags.length);
  if (longest > MAX_PATTERNS) return `it has ${longest} entries of one kind; ${MAX_PATTERNS} are the limit`;
  const application = applications.find((pattern) => !isStarPattern(pattern));
  if (application !== undefined) {
    return `'${application.slice(0, 120)}' is no pattern of application names, such as shop-*`;
  }
  const group = groups.find((pattern) => !isGroupPattern(pattern));
  if (group !== undefined) return `'${group.slice(0, 240)}' is no pattern APPLICATION/GROUP, such as shop-*/staging`;
  return hostTags.some(({ Key, Value }) => Key === '' || Value === '')
    ? 'a tag of hosts needs a key and a value'
    : null;
}

/** For messages and lists: `applications shop-*, groups shop-*\/staging, hosts Role=shop`. */
export function describeScope({ applications, groups, hostTags }: KeyScope): string {
  const parts = [
    ['applications', applications],
    ['groups', groups],
    ['hosts', hostTags.map(({ Key, Value }) => `${Key}=${Value}`)],
  ] as const;
  return parts.flatMap(([what, list]) => (list.length === 0 ? [] : [`${what} ${list.join(', ')}`])).join('; ');
}
