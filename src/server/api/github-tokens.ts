/** Tokens for GitHub that the hosted service keeps for its console. There are none here: hosts fetch with tokens of their own. */
import { ApiError } from '../../protocol/errors.ts';
import type { Handlers } from './context.ts';
import { countCharacters, quote, readText } from './input.ts';
import { readPageToken } from './paging.ts';

/** No limit is published; as that of the other names. In characters. */
const MAX_NAME = 100;

export const gitHubTokenHandlers: Handlers<'ListGitHubAccountTokenNames' | 'DeleteGitHubAccountToken'> = {
  async ListGitHubAccountTokenNames(ctx, input) {
    readPageToken(ctx, 'ListGitHubAccountTokenNames', input);
    return { tokenNameList: [] };
  },

  async DeleteGitHubAccountToken(_ctx, input) {
    const name = readText(input, 'tokenName') ?? '';
    const length = countCharacters(name);
    if (length > MAX_NAME) {
      throw new ApiError(
        'InvalidGitHubAccountTokenNameException',
        `tokenName has ${length} characters; ${MAX_NAME} is the limit.`,
      );
    }
    throw new ApiError(
      'GitHubAccountTokenDoesNotExistException',
      `There is no GitHub token ${quote(name)} (tokenName): this server keeps none.`,
    );
  },
};
