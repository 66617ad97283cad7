/** A process that takes a lock again and again and says how often it was not alone: node contend-for-lock.ts FOLDER ROUNDS */
import { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { SlipwayError } from '../../src/errors.ts';
import { takeInstanceLock } from '../../src/system/instance-lock.ts';

const [folder = '', rounds = '0'] = process.argv.slice(2);
const lockFile = `${folder}/lock`;
const taken = new SlipwayError('AGENT_ALREADY_RUNNING', 'taken');
/** As a crash does: whoever comes next has to take it over. */
const abandon = () => {
  const aside = `${folder}/${process.pid}`;
  writeFileSync(aside, '999999999 1');
  renameSync(aside, lockFile);
};
let held = 0;
let together = 0;
while (held < Number(rounds)) {
  try {
    const lock = takeInstanceLock(lockFile, () => taken);
    held += 1;
    try {
      mkdirSync(`${folder}/held`);
      rmdirSync(`${folder}/held`);
    } catch {
      together += 1;
    }
    if (held % 2 === 0) abandon();
    lock.release();
  } catch (error) {
    if (error !== taken) throw error;
  }
}
process.stdout.write(JSON.stringify({ held, together }));
