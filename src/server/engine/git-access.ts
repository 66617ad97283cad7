/** Finds the token with which the hosts of a deployment fetch from a git repository that is not public. */
import { isWebAddress, parseLocation } from '../../protocol/management/revision-location.ts';
import { withoutTrailing } from '../../system/trailing.ts';
import { starMatcher } from '../../system/wildcards.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import { findApplicationById } from '../store/applications.ts';
import { listGitTokens } from '../store/git-tokens.ts';
import type { DeploymentRow, GitTokenRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';

export interface GitAccess {
  readonly userName: string;
  readonly token: string;
}

/** @returns null: the revision is not of git, or no token is for it */
export async function gitAccessFor(
  db: StoreReader,
  sealer: Pick<SecretSealer, 'open'>,
  deployment: Pick<DeploymentRow, 'application_id' | 'application_name' | 'revision_json'>,
): Promise<GitAccess | null> {
  const repository = parseLocation(deployment.revision_json).gitHubLocation?.repository;
  if (repository === undefined) return null;
  const rows = await listGitTokens(db);
  if (rows.length === 0) return null;
  const application = await findApplicationById(db, deployment.application_id);
  const row = chooseToken(rows, application?.application_name ?? deployment.application_name, repository);
  return row === null ? null : { userName: row.user_name, token: sealer.open(row.token_sealed) };
}

/**
 * The token of an application for a repository: of those that are for both, the one whose address says most.
 *
 * @param repository `account/repository` at GitHub, or an address
 */
export function chooseToken<Row extends Pick<GitTokenRow, 'url' | 'applications_json'>>(
  rows: readonly Row[],
  applicationName: string,
  repository: string,
): Row | null {
  const address = URL.parse(isWebAddress(repository) ? repository : `https://github.com/${repository}`);
  if (address === null) return null;
  const fitting = rows.filter((row) => isOfApplication(row, applicationName) && covers(row.url, address));
  return fitting.sort((a, b) => b.url.length - a.url.length)[0] ?? null;
}

export function isOfApplication({ applications_json }: Pick<GitTokenRow, 'applications_json'>, name: string): boolean {
  return (JSON.parse(applications_json) as string[]).some((pattern) => starMatcher(pattern)(name));
}

/**
 * Whether an address is at or below another one, whole names of the path counted. An address with encoded characters may mean another path,
 * and is not covered.
 */
function covers(url: string, address: URL): boolean {
  const own = new URL(url);
  if (own.origin !== address.origin || address.pathname.includes('%')) return false;
  return pathOf(address).startsWith(pathOf(own));
}

/** `/acme/site/`, also of `/acme/site.git`. */
function pathOf({ pathname }: URL): string {
  const path = withoutTrailing(pathname, '/');
  return `${path.endsWith('.git') ? path.slice(0, -'.git'.length) : path}/`;
}
