/** Finds resources by parts of their names, for people who look for one. */
import { ApiError } from '../../protocol/errors.ts';
import { type KeyScope, reachOf } from '../../protocol/management/key-scope.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import type { FoundResource } from '../../protocol/management/shapes.ts';
import { searchApplications, searchDeployments, searchGroups, searchHosts, searchRevisions } from '../store/search.ts';
import type { StoreReader } from '../store/store.ts';
import type { Handlers } from './context.ts';
import { readText } from './input.ts';

/** Limit on the results of each kind. */
const MOST_FOUND = 20;
/** How many are read at a time. */
const PAGE = 200;
const MOST_CHARACTERS = 256;
const MOST_WORDS = 8;
/** The beginning of a deployment's id. */
const ID_BEGINNING = /^d-[a-z0-9]{0,9}$/i;

export const searchHandlers: Handlers<'SearchResources'> = {
  async SearchResources(ctx, input, { scope }) {
    const words = readWords(readText(input, 'text') ?? '');
    if (words.length === 0) return { resources: [] };
    const { db } = ctx.store;
    const found = await findResources(db, words, scope);
    // Hosts belong to no application: a limited key may not look at them.
    const hosts = scope === null ? await searchHosts(db, { words, limit: MOST_FOUND }) : [];
    return { resources: [...found, ...hosts.map((name): FoundResource => ({ kind: 'Host', name }))] };
  },
};

/** @throws ApiError ValidationException */
export function readWords(text: string): readonly string[] {
  if (text.length > MOST_CHARACTERS) {
    throw new ApiError('ValidationException', `text has ${text.length} characters; ${MOST_CHARACTERS} are the limit.`);
  }
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length <= MOST_WORDS) return words;
  throw new ApiError('ValidationException', `text has ${words.length} words; ${MOST_WORDS} are the limit.`);
}

/** Everything but hosts. @param words in small letters @param scope of the key that asks; null: everything */
export async function findResources(
  db: StoreReader,
  words: readonly string[],
  scope: KeyScope | null,
): Promise<FoundResource[]> {
  const reach = reachOf(scope);
  const isPartOf = (one: { applicationName: string }) => reach.hasPartOf(one.applicationName);
  const isWithin = (one: { applicationName: string; groupName: string }) =>
    reach.hasGroup(one.applicationName, one.groupName);
  const ofPage = (offset: number) => ({ words, scope, limit: PAGE, offset });
  const applications = await firstOf((offset) => searchApplications(db, ofPage(offset)), reach.hasPartOf);
  const groups = await firstOf((offset) => searchGroups(db, ofPage(offset)), isWithin);
  const [first = '', ...others] = words;
  const isId = others.length === 0 && ID_BEGINNING.test(first);
  const deployments = isId ? await firstOf((offset) => searchDeployments(db, first, ofPage(offset)), isWithin) : [];
  const revisions = await firstOf((offset) => searchRevisions(db, ofPage(offset)), isPartOf);
  return [
    ...applications.map((name): FoundResource => ({ kind: 'Application', name })),
    ...groups.map(({ applicationName, groupName: name }): FoundResource => {
      return { kind: 'DeploymentGroup', name, applicationName };
    }),
    ...deployments.map((one): FoundResource => {
      const { deploymentId: name, applicationName, groupName: deploymentGroupName, status } = one;
      return { kind: 'Deployment', name, applicationName, deploymentGroupName, status };
    }),
    ...revisions.map(({ applicationName, locationJson }): FoundResource => {
      return { kind: 'Revision', applicationName, revision: parseLocation(locationJson) };
    }),
  ];
}

/** Reads pages until there are enough that fit. The database leaves out most of what does not, so one page is nearly always enough. */
async function firstOf<Found>(
  read: (offset: number) => Promise<readonly Found[]>,
  fits: (found: Found) => boolean,
): Promise<readonly Found[]> {
  const all: Found[] = [];
  for (let offset = 0; all.length < MOST_FOUND; offset += PAGE) {
    const page = await read(offset);
    all.push(...page.filter(fits));
    if (page.length < PAGE) break;
  }
  return all.slice(0, MOST_FOUND);
}
