/**
 * How plain the project's English is: `npm run english`. Prints for each room the share of doc lines that begin without a subject and the
 * share of long sentences, worst places first. It measures, and fails nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyText, flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { type Counts, count, isLong, isSubjectless, NO_SENTENCES, wordsOf } from './faults.ts';
import { roomOf } from './room.ts';
import { type Sentence, sentencesOf } from './sentences.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const READ = /\.(?:ts|js|sh|md)$/u;

interface Place {
  readonly file: string;
  readonly sentence: Sentence;
}

const options = programOptions('english', {
  json: flag('one line of JSON for each room'),
  worst: wholeNumber('places shown of each room', { otherwise: 0 }),
  room: anyText('ROOM', 'only this room, such as src/install'),
});

const rooms = new Map<string, { counts: Counts; faults: Place[] }>();
const files = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' }).split('\0');
for (const file of files.filter((name) => READ.test(name))) {
  const room = rooms.get(roomOf(file)) ?? { counts: NO_SENTENCES, faults: [] };
  for (const sentence of sentencesOf(file, readFileSync(join(PROJECT, file), 'utf8'))) {
    room.counts = count(room.counts, sentence);
    if (isSubjectless(sentence) || isLong(sentence)) room.faults.push({ file, sentence });
  }
  rooms.set(roomOf(file), room);
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole);
const rows = [...rooms]
  .filter(([room]) => options.room === null || room === options.room)
  .map(([room, { counts, faults }]) => ({
    room,
    ...counts,
    subjectlessPercent: share(counts.subjectless, counts.docs),
    longPercent: share(counts.long, counts.sentences),
    faults,
  }))
  .sort((a, b) => b.subjectlessPercent + b.longPercent - a.subjectlessPercent - a.longPercent);

for (const { faults, ...row } of rows) {
  const percents = `${row.subjectlessPercent.toFixed(1).padStart(6)} %  ${row.longPercent.toFixed(1).padStart(6)} %`;
  const line = `${row.room.padEnd(28)}${percents}  ${row.subjectless} of ${row.docs} doc lines, ${row.long} of ${row.sentences} sentences`;
  process.stdout.write(`${options.json ? JSON.stringify(row) : line}\n`);
  const worst = faults.sort((a, b) => badness(b) - badness(a)).slice(0, options.worst);
  if (!options.json)
    for (const { file, sentence } of worst) process.stdout.write(`    ${file}:${sentence.line}  ${sentence.text}\n`);
}
const all = rows.reduce(
  (sum, { docs, subjectless, sentences, long }) => ({
    docs: sum.docs + docs,
    subjectless: sum.subjectless + subjectless,
    sentences: sum.sentences + sentences,
    long: sum.long + long,
  }),
  NO_SENTENCES,
);
const total = { subjectlessPercent: share(all.subjectless, all.docs), longPercent: share(all.long, all.sentences) };
process.stdout.write(
  options.json
    ? `${JSON.stringify({ rooms: rows.length, ...all, ...total })}\n`
    : `\n${total.subjectlessPercent.toFixed(1)} % of ${all.docs} doc lines begin without a subject, ${total.longPercent.toFixed(1)} % of ${all.sentences} sentences have more than 25 words\n`,
);

function badness({ sentence }: Place): number {
  return wordsOf(sentence) + (isSubjectless(sentence) ? 20 : 0);
}
