import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withProfile } from '../../src/hooks/profile-environment.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { scratchFolder } from '../support/scratch.ts';

const OWN = { PATH: process.env['PATH'], KEPT: 'kept', GONE: 'gone' };

async function read(profile: string) {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('profile'), profile);
  const faults: string[] = [];
  const environment = await withProfile(scratch.at('profile'), OWN, (why) => faults.push(why));
  return { environment, faults };
}

describe('the variables of a profile', () => {
  test('are all that it sets, exported or not, over the agent’s own', async () => {
    const { environment, faults } = await read(
      'JAVA_HOME=/opt/java\nexport PATH="/opt/java/bin:$PATH"\nunset GONE\nTWO_LINES="a\nb"\necho noise\nf() { :; }\n',
    );
    expect(faults).toEqual([]);
    expect(environment).toEqual({
      JAVA_HOME: '/opt/java',
      PATH: `/opt/java/bin:${OWN.PATH}`,
      KEPT: 'kept',
      TWO_LINES: 'a\nb',
    });
  });

  test.each([
    ['ends its shell', 'JAVA_HOME=x\nexit 3\n', /./],
    ['ends it as if all were well', 'exit 0\n', /ends the shell/],
    ['cannot be read by a shell', 'if then fi (\n', /^$|./],
  ])('are left alone when the profile %s, and a warning says so', async (_, profile, why) => {
    const { environment, faults } = await read(profile);
    expect(environment).not.toHaveProperty('JAVA_HOME');
    expect(environment).toMatchObject({ KEPT: 'kept', GONE: 'gone' });
    if (faults.length > 0) expect(faults[0]).toMatch(why);
  });

  test('do not wait for what the profile leaves running', async () => {
    using scratch = scratchFolder();
    const pidFile = scratch.at('pid');
    const { environment, faults } = await read(
      `sleep 600 2> /dev/null & echo $! > ${quoteForShell(pidFile)}\nJAVA_HOME=/opt/java\n`,
    );
    process.kill(Number(readFileSync(pidFile, 'utf8')));
    expect(faults).toEqual([]);
    expect(environment).toMatchObject({ JAVA_HOME: '/opt/java' });
  });

  test('are none where there is no profile', async () => {
    expect(await withProfile('/no/such/profile', OWN, expect.fail)).toBe(OWN);
    expect(await withProfile('/dev/null', OWN, expect.fail)).toEqual(OWN);
  });
});
