/** Somebody deletes the agent's own folders while it runs. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

vi.setConfig({ testTimeout: 120_000 });

const MADE_ANEW = /a folder that commands are noted down in was deleted/g;

/** A revision whose AfterInstall says that it runs, and waits for leave where it is told to. */
function waitingRevision(scratch: ScratchFolder, name: string, destination: string): string {
  const [runs, leave] = [scratch.at(`${name}.runs`), scratch.at(`${name}.leave`)];
  return writeRevision(scratch.at(name), {
    destination,
    files: { 'index.html': name },
    scripts: {
      AfterInstall: `touch ${quoteForShell(runs)}\nwhile [ ! -e ${quoteForShell(leave)} ]; do sleep 0.05; done`,
    },
  });
}

test('an agent whose folders are deleted while it runs goes on, reports what ran, and carries out later commands of every group', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  await runSlipway(['applications', 'create', 'site'], server.env);
  for (const group of ['one', 'two']) {
    const made = await runSlipway(
      ['groups', 'create', group, '--application', 'site', '--tag', 'Role=test'],
      server.env,
    );
    expect(made).toMatchObject({ status: 0 });
  }
  const deploy = (name: string, group: string) => {
    const revision = waitingRevision(scratch, name, scratch.at(`destination-${group}`));
    const way = ['--application', 'site', '--group', group, '--file-exists-behavior', 'OVERWRITE'];
    return runSlipway(['deploy', revision, ...way], server.env);
  };
  const running = (name: string) => eventually(() => existsSync(scratch.at(`${name}.runs`)));
  const leave = (name: string) => writeFileSync(scratch.at(`${name}.leave`), '');
  const agent = host.startAgent();
  await using _agent = agent;
  const own = join(host.rootDir, '.slipway');

  const first = deploy('first', 'one');
  await running('first');
  rmSync(own, { recursive: true });
  // The event that ran, and those after it, are of a deployment that was begun before.
  leave('first');
  expect(await first).toMatchObject({ status: 0 });
  expect(readdirSync(join(own, 'commands')).length).toBeGreaterThan(4);
  leave('second');
  expect(await deploy('second', 'two')).toMatchObject({ status: 0 });

  rmSync(own, { recursive: true });
  writeFileSync(own, 'a file in its place');
  rmSync(join(host.rootDir, 'ongoing-deployment'), { recursive: true });
  mkdirSync(join(host.rootDir, 'ongoing-deployment'));
  leave('third');
  expect(await deploy('third', 'one')).toMatchObject({ status: 0 });

  const fourth = deploy('fourth', 'two');
  await running('fourth');
  rmSync(host.rootDir, { recursive: true });
  leave('fourth');
  // Its unpacked revision is gone, and with it the scripts of the later events.
  expect((await fourth).status).not.toBe(0);
  for (const group of ['one', 'two']) {
    leave(`fifth-${group}`);
    expect(await deploy(`fifth-${group}`, group)).toMatchObject({ status: 0 });
  }
  expect(agent.log().match(MADE_ANEW)).toHaveLength(1);
});
