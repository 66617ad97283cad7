/**
 * Tokens for GitHub, GitLab, Bitbucket and other hosts of git repositories. CodeDeploy's API lists and deletes them and has no way to make one, so
 * making is an operation of this server's own. No answer has a token in it.
 */
import { ApiError } from '../../protocol/errors.ts';
import { isStarPattern } from '../../system/wildcards.ts';
import { deleteGitToken, listGitTokens, putGitToken } from '../store/git-tokens.ts';
import { lockQuota } from '../store/quotas.ts';
import type { GitTokenRow } from '../store/schema.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { countCharacters, isName, quote, readList, readText, requireText } from './input.ts';
import { readPageToken } from './paging.ts';

/** No limit is published; as that of the other names. In characters. */
const MAX_NAME = 100;
/** As many as the hosted service keeps. */
const MAX_TOKENS = 25;
const MAX_APPLICATIONS = 20;
/** The names that these hosts want in front of a token. */
const USER_NAMES: Readonly<Record<string, string>> = {
  'github.com': 'x-access-token',
  'bitbucket.org': 'x-token-auth',
};
const USUAL_USER_NAME = 'oauth2';

export const gitTokenHandlers: Handlers<
  'PutGitToken' | 'ListGitTokens' | 'ListGitHubAccountTokenNames' | 'DeleteGitHubAccountToken'
> = {
  async PutGitToken(ctx, input) {
    const name = readText(input, 'tokenName') ?? '';
    if (!isName(name)) throw refused(`tokenName must be 1 to 100 of the characters A-Z a-z 0-9 + = , . @ _ -`);
    const url = readUrl(input);
    const token = readText(input, 'token') ?? '';
    if (!/^[\x21-\x7e]{1,1000}$/.test(token)) throw refused('token must be 1 to 1000 visible characters of ASCII');
    const row: GitTokenRow = {
      token_name: name,
      url: url.href,
      user_name: readUserName(input) ?? USER_NAMES[url.hostname] ?? USUAL_USER_NAME,
      applications_json: JSON.stringify(readPatterns(input)),
      token_sealed: ctx.sealer.seal(token),
      created_at_ms: ctx.clock.now(),
    };
    await ctx.store.transaction(async (tx) => {
      await lockQuota(tx, 'git_tokens');
      const others = (await listGitTokens(tx)).filter(({ token_name }) => token_name !== name);
      if (others.length >= MAX_TOKENS) throw refused(`there are ${others.length} tokens; ${MAX_TOKENS} is the limit`);
      await putGitToken(tx, row);
    });
    return tokenRecord(row);
  },

  async ListGitTokens(ctx) {
    return { tokens: (await listGitTokens(ctx.store.db)).map(tokenRecord) };
  },

  async ListGitHubAccountTokenNames(ctx, input) {
    // There is one page: a token for the next one is of another request.
    readPageToken(ctx, 'ListGitHubAccountTokenNames', input);
    return { tokenNameList: (await listGitTokens(ctx.store.db)).map(({ token_name }) => token_name) };
  },

  async DeleteGitHubAccountToken(ctx, input) {
    const tokenName = readText(input, 'tokenName') ?? '';
    const length = countCharacters(tokenName);
    if (length > MAX_NAME) {
      throw new ApiError(
        'InvalidGitHubAccountTokenNameException',
        `tokenName has ${length} characters; ${MAX_NAME} is the limit.`,
      );
    }
    await ctx.store.transaction(async (tx) => {
      if (await deleteGitToken(tx, tokenName)) return;
      throw new ApiError(
        'GitHubAccountTokenDoesNotExistException',
        `There is no token ${quote(tokenName)} (tokenName).`,
      );
    });
    return { tokenName };
  },
};

function tokenRecord(row: GitTokenRow) {
  return {
    tokenName: row.token_name,
    url: row.url,
    userName: row.user_name,
    applications: JSON.parse(row.applications_json) as string[],
    createTime: seconds(row.created_at_ms),
  };
}

/** Over https, so that nobody on the way sees the token; a repository on the hosts' own machine needs none. */
function readUrl(input: Input): URL {
  const given = readText(input, 'url') ?? '';
  const url = URL.parse(given);
  const isPlain = url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  const isSafe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && /^(?:localhost|127\.[\d.]+)$/.test(url.hostname));
  if (url === null || !isPlain || !isSafe || url.pathname.includes('%') || given.length > MAX_URL) {
    throw refused(
      'url must be an https address of a git host, of an account or of a repository, such as https://gitlab.com/acme',
    );
  }
  return url;
}

const MAX_URL = 1_000;

function readUserName(input: Input): string | null {
  const name = readText(input, 'userName');
  if (name === null || /^[A-Za-z0-9._@+-]{1,100}$/.test(name)) return name;
  throw refused(`userName must be 1 to 100 of the characters A-Z a-z 0-9 . _ @ + - but is ${quote(name)}`);
}

function readPatterns(input: Input): readonly string[] {
  const patterns = (readList(input, 'applications') ?? []).map((one, index) =>
    requireText(one, `applications[${index}]`),
  );
  const wrong = patterns.find((pattern) => !isStarPattern(pattern));
  if (wrong !== undefined)
    throw refused(`applications has ${quote(wrong)}, which is no name or pattern such as shop-*`);
  if (patterns.length >= 1 && patterns.length <= MAX_APPLICATIONS) return patterns;
  throw refused(`applications must have 1 to ${MAX_APPLICATIONS} names or patterns: those that may use the token`);
}

function refused(why: string): ApiError {
  return new ApiError('ValidationException', `${why}.`);
}
