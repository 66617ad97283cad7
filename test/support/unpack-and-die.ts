/** A process that unpacks a bundle and kills itself at a given call that changes the disk: node unpack-and-die.ts BUNDLE ARCHIVE CALL */
import { unpackBundle } from '../../src/archive/unpack.ts';
import { watchDisk } from './faults/changing-calls.ts';
import { UNPACK_RULES } from './unpack.ts';

const [bundleFile = '', archiveDir = '', call = '0'] = process.argv.slice(2);
let calls = 0;
watchDisk(() => {
  calls += 1;
  if (calls === Number(call)) process.kill(process.pid, 'SIGKILL');
});
await unpackBundle({ bundleFile, bundleType: 'tar', archiveDir, ...UNPACK_RULES });
