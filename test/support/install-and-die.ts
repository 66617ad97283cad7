/**
 * A process that installs `two` over what is there and kills itself at a given call. With another group it takes over what is there: node
 * install-and-die.ts ROOT CALL [INSTRUCTIONS [GROUP]]
 */
import { join } from 'node:path';
import { runInstall } from '../../src/install/install.ts';
import { watchedFs } from './failing-fs.ts';
import { installContext, installRequest } from './install.ts';

const [root = '', call = '0', instructions = 'instructions', deploymentGroupId = 'group'] = process.argv.slice(2);
const { fs } = watchedFs((number) => {
  if (number === Number(call)) process.kill(process.pid, 'SIGKILL');
});
const fileExistsBehavior = deploymentGroupId === 'group' ? 'DISALLOW' : 'OVERWRITE';
const instructionsDir = join(root, instructions);
await runInstall(
  installContext(fs),
  installRequest(root, 'two', { instructionsDir, deploymentGroupId, fileExistsBehavior }),
);
