/** Finds resources by parts of their names, for people who look for one. */
import { ApiError } from '../../protocol/errors.ts';
import { type Reach, reachOf } from '../../protocol/management/key-scope.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import type { FoundResource } from '../../protocol/management/shapes.ts';
import { searchApplications, searchDeployments, searchGroups, searchHosts, searchRevisions } from '../store/search.ts';
import type { StoreReader } from '../store/store.ts';
import type { Handlers } from './context.ts';
import { readText } from './input.ts';

/** Limit on the results of each kind. */
const MOST_FOUND = 20;
/** A key that is limited sees a part of what is found, so more is looked at. */
const MOST_LOOKED_AT = 200;
const MOST_CHARACTERS = 256;
const MOST_WORDS = 8;
/** The beginning of a deployment's id. */
const ID_BEGINNING = /^d-[a-z0-9]{0,9}$/i;

export const searchHandlers: Handlers<'SearchResources'> = {
  async SearchResources(ctx, input, { scope }) {
    const words = readWords(readText(input, 'text') ?? '');
    if (words.length === 0) return { resources: [] };
    const { db } = ctx.store;
    const found = await findAll(db, words, reachOf(scope));
    // Hosts belong to no application: a limited key may not look at them.
    const hosts = scope === null ? await searchHosts(db, words, MOST_FOUND) : [];
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

async function findAll(db: StoreReader, words: readonly string[], reach: Reach): Promise<FoundResource[]> {
  const limit = MOST_LOOKED_AT;
  const applications = (await searchApplications(db, words, limit)).filter((name) => reach.hasPartOf(name));
  const isWithin = (one: { applicationName: string; groupName: string }) =>
    reach.hasGroup(one.applicationName, one.groupName);
  const groups = (await searchGroups(db, words, limit)).filter(isWithin);
  const [first = '', ...others] = words;
  const isId = others.length === 0 && ID_BEGINNING.test(first);
  const deployments = isId ? (await searchDeployments(db, first, limit)).filter(isWithin) : [];
  const revisions = (await searchRevisions(db, words, limit)).filter((one) => reach.hasPartOf(one.applicationName));
  return [
    ...applications.slice(0, MOST_FOUND).map((name): FoundResource => ({ kind: 'Application', name })),
    ...groups.slice(0, MOST_FOUND).map(({ applicationName, groupName: name }): FoundResource => {
      return { kind: 'DeploymentGroup', name, applicationName };
    }),
    ...deployments.slice(0, MOST_FOUND).map((one): FoundResource => {
      const { deploymentId: name, applicationName, groupName: deploymentGroupName, status } = one;
      return { kind: 'Deployment', name, applicationName, deploymentGroupName, status };
    }),
    ...revisions.slice(0, MOST_FOUND).map(({ applicationName, locationJson }): FoundResource => {
      return { kind: 'Revision', applicationName, revision: parseLocation(locationJson) };
    }),
  ];
}
