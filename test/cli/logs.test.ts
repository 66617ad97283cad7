import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { scratchFolder } from '../support/scratch.ts';

const SLIPWAY = fileURLToPath(new URL('../../bin/slipway.js', import.meta.url));

test('slipway logs -f shows the last lines and all that is added, through a rotation and a file that is emptied', async () => {
  using scratch = scratchFolder();
  const log = scratch.at('codedeploy-agent.log');
  writeFileSync(scratch.at('agent.yml'), `log_dir: ${scratch.path}\nroot_dir: ${scratch.at('root')}\n`);
  writeFileSync(log, 'one\ntwo\nthree\n');
  const args = ['logs', '-f', '-n', '2', '--config-file', scratch.at('agent.yml')];
  const follow = execa(process.execPath, [SLIPWAY, ...args], { reject: false });
  let shown = '';
  follow.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const showing = (text: string) => eventually(() => shown === text);

  await showing('two\nthree\n');
  const euro = Buffer.from('four €\n');
  appendFileSync(log, euro.subarray(0, 6));
  await showing('two\nthree\nfour ');
  appendFileSync(log, euro.subarray(6));
  await showing('two\nthree\nfour €\n');
  appendFileSync(log, 'last of the old\n');
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'first of the new\n');
  await showing('two\nthree\nfour €\nlast of the old\nfirst of the new\n');
  truncateSync(log);
  await eventually(() => {
    appendFileSync(log, '.');
    return shown.endsWith('.');
  });

  follow.kill('SIGINT');
  expect(await follow).toMatchObject({ exitCode: 0 });
});

test('slipway logs of what is not there names what is: the deployment that was meant, the newest ones, or the journal', async () => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('agent.yml'), `log_dir: ${scratch.path}\nroot_dir: ${scratch.at('root')}\n`);
  const ask = async (...args: string[]) => {
    const asked = await execa(process.execPath, [SLIPWAY, 'logs', ...args, '--config-file', scratch.at('agent.yml')], {
      reject: false,
    });
    return asked.stderr;
  };
  expect(await ask('d-ABCDEFGH1')).toContain('No script of a deployment has run there yet');
  mkdirSync(scratch.at('root/group/d-ABCDEFGH2/logs'), { recursive: true });
  writeFileSync(scratch.at('root/group/d-ABCDEFGH2/logs/scripts.log'), '');
  expect(await ask('d-ABCDEFGH1')).toContain('Did you mean d-ABCDEFGH2? The newest that have are d-ABCDEFGH2.');
  expect(await ask('d-ZZZZZZZZZ')).toMatch(/to do: The newest that have are d-ABCDEFGH2\./);
  expect(await ask()).toContain('`slipway logs --journal` has the reason');
});
