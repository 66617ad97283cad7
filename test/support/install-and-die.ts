/** A process that installs `two` over what is there and kills itself at a given call: node install-and-die.ts ROOT CALL [INSTRUCTIONS] */
import { join } from 'node:path';
import { runInstall } from '../../src/install/install.ts';
import { watchedFs } from './failing-fs.ts';
import { installContext, installRequest } from './install.ts';

const [root = '', call = '0', instructions = 'instructions'] = process.argv.slice(2);
const { fs } = watchedFs((number) => {
  if (number === Number(call)) process.kill(process.pid, 'SIGKILL');
});
await runInstall(installContext(fs), installRequest(root, 'two', { instructionsDir: join(root, instructions) }));
