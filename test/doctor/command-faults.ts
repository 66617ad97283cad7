import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startControlServer } from '../support/slipway.ts';
import type { Fault, Ground } from './fault.ts';

const APPSPEC = 'version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/site\n';

/** Faults that commands themselves find, without a doctor. */
export const COMMAND_FAULTS: readonly Fault[] = [
  {
    name: 'The AppSpec file has a capital letter in its name',
    async plant({ folder }) {
      writeFileSync(join(folder, 'AppSpec.yml'), APPSPEC);
      return { args: ['validate', folder], finds: /appspec/i, remedy: /AppSpec\.yml/ };
    },
  },
  {
    name: 'A script is called by another name than its file has',
    async plant({ folder }) {
      mkdirSync(join(folder, 'scripts'));
      writeFileSync(join(folder, 'scripts/install-dependencies.sh'), '#!/bin/sh\n', { mode: 0o755 });
      const hooks = 'hooks:\n  BeforeInstall:\n    - location: scripts/install_dependencies.sh\n';
      writeFileSync(join(folder, 'appspec.yml'), `${APPSPEC}${hooks}`);
      return { args: ['validate', folder], finds: /install_dependencies\.sh/, remedy: /install-dependencies\.sh/ };
    },
  },
  {
    name: 'A bundle is an xz file under the name of a tgz',
    async plant({ folder }) {
      mkdirSync(join(folder, 'revision'));
      writeFileSync(join(folder, 'revision/appspec.yml'), APPSPEC);
      execFileSync('tar', ['-cJf', join(folder, 'bundle.tgz'), '-C', join(folder, 'revision'), '.']);
      return { args: ['validate', join(folder, 'bundle.tgz')], finds: /xz/, remedy: /tar|zip|tgz/ };
    },
  },
  {
    name: 'The master key of a server is missing beside keys that were sealed with it',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      rmSync(join(dataDir, 'master.key'));
      return { args: serverOn(dataDir), finds: /master\.key is missing/, remedy: /Put that very file back/ };
    },
  },
  {
    name: 'The database of a server is damaged',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      for (const name of readdirSync(dataDir).filter((file) => /^slipway\.db-/.test(file))) rmSync(join(dataDir, name));
      writeFileSync(join(dataDir, 'slipway.db'), Buffer.alloc(65_536, 'no database'));
      return { args: serverOn(dataDir), finds: /slipway\.db/, remedy: /copy|backup/i };
    },
  },
  {
    name: 'The port of a server is taken',
    async plant(ground) {
      const { url } = await ground.sharedServer();
      const args = ['server', '--data-dir', join(ground.folder, 'data')];
      return {
        args: [...args, '--listen', new URL(url).host],
        finds: /cannot be listened on/,
        remedy: /'sport = :\d+'` names it\. End it, or choose another address with --listen/,
      };
    },
  },
];

/** A data folder in which a server has worked. */
async function usedDataDir({ folder }: Ground): Promise<string> {
  const dataDir = join(folder, 'data');
  await using _server = await startControlServer(dataDir);
  return dataDir;
}

function serverOn(dataDir: string): string[] {
  return ['server', '--data-dir', dataDir, '--listen', '127.0.0.1:0'];
}
