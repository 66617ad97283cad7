/** Names that strangers have chosen, in answers and questions of one line. */
import { describe, expect, test } from 'vitest';
import { findServerGroup } from '../../src/cli/server-group.ts';
import { isWanted, printLine } from '../../src/cli/view/result.ts';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { capturedContext } from '../support/cli-context.ts';

const NAMES = [
  ['a line break', 'web\nslipway: all is well', 'web\\u000aslipway: all is well'],
  ['an order to the terminal', 'web\u001b[2J', 'web\\u001b[2J'],
  ['an order to a build server on a line of its own', 'web\n::error::x', 'web\\u000a::error::x'],
  ['a tab', 'web\tapp', 'web\\u0009app'],
] as const;

describe.each(NAMES)('a name with %s', (_, name, shown) => {
  test('stays on the one line of an answer, and is itself in JSON', () => {
    const ctx = capturedContext();
    printLine(ctx, {}, { name }, `tags of ${name}: none`);
    expect(ctx.printed()).toBe(`tags of ${shown}: none\n`);
    const asJson = capturedContext();
    printLine(asJson, { json: true }, { name }, `tags of ${name}: none`);
    expect(JSON.parse(asJson.printed())).toEqual({ name });
  });

  test('stays on the one line of a question', async () => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return 'n';
    };
    expect(await isWanted(capturedContext({ ask }), {}, `delete ${name}?`)).toBe(false);
    expect(asked).toEqual([`delete ${shown}? [y/N] `]);
  });

  test('stays on the one line that lists the groups there are', async () => {
    const answers = {
      ListApplications: { applications: ['shop'] },
      ListDeploymentGroups: { deploymentGroups: [name] },
    };
    const client = { call: async (operation: keyof typeof answers) => answers[operation] } as ManagementClient;
    await expect(findServerGroup(client, 'other', {})).rejects.toMatchObject({ remedy: `There are: shop/${shown}.` });
  });
});
