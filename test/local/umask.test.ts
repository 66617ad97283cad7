/**
 * The umask of the person who runs `slipway local` changes no mode of unpacked, run and installed files: agents have 022, whatever they
 * were started with.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { BundleType } from '../../src/protocol/specification.ts';
import { testWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { SLIPWAY } from '../support/slipway.ts';
import { treeOf } from '../support/tree.ts';

/** Without entries for folders, as many tools write them. */
const MAKERS: Readonly<Record<BundleType, readonly string[]>> = {
  tar: ['tar', '--no-recursion', '-cf', 'bundle.tar'],
  tgz: ['tar', '--no-recursion', '-czf', 'bundle.tgz'],
  zip: ['zip', '-qD', 'bundle.zip'],
};

async function deployed(kind: BundleType | 'directory', umask: string) {
  using scratch = scratchFolder();
  const folder = writeRevision(scratch.at('revision'), {
    destination: scratch.at('srv/www/site'),
    files: { 'deep/er/page.html': 'page', top: 'top' },
    scripts: { AfterInstall: `umask > ${scratch.word('umask')}` },
  });
  let location = folder;
  if (kind !== 'directory') {
    const [program = '', ...args] = MAKERS[kind];
    const scripts = ['ApplicationStop', 'BeforeInstall', 'AfterInstall', 'ApplicationStart', 'ValidateService'];
    const files = [
      'appspec.yml',
      'files/deep/er/page.html',
      'files/top',
      ...scripts.map((name) => `scripts/${name}.sh`),
    ];
    await execa(program, [...args, ...files], { cwd: folder });
    location = `${folder}/bundle.${kind}`;
  }
  const config = scratch.at('agent.yml');
  const folders = { root_dir: scratch.at('root'), log_dir: scratch.at('log'), pid_dir: scratch.at('pid') };
  writeFileSync(config, JSON.stringify(folders));
  const command = [process.execPath, SLIPWAY, 'local', '-l', location, '-c', config];
  if (kind !== 'directory') command.push('-t', kind);
  await execa('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...command]);
  return { installed: treeOf(scratch.at('srv')), ofScripts: readFileSync(scratch.at('umask'), 'utf8') };
}

for (const kind of ['directory', 'tar', 'tgz', 'zip'] as const) {
  testWith(...(kind === 'zip' ? ['zip'] : []))(
    `a ${kind} is installed with the same modes under any umask`,
    async () => {
      const [usual, ...others] = await Promise.all(['022', '077', '002'].map((umask) => deployed(kind, umask)));
      expect(usual).toMatchObject({
        installed: {
          www: 'directory 755',
          'www/site/deep': 'directory 755',
          'www/site/deep/er/page.html': 'file 644 "page"',
        },
        ofScripts: '0022\n',
      });
      for (const other of others) expect(other).toEqual(usual);
    },
  );
}
