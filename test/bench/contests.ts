/** Unpacking and installing beside the system's own tools, in turns: ours, theirs, theirs, ours. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { bundle, bundleThreads } from '../../build.ts';
import { HEAP_FLAGS } from '../../src/agent/executor/executors.ts';
import { hasPrograms } from '../support/programs.ts';
import { packShape, type Shape, writeShape } from './bundles.ts';
import { compared, type Figure, median } from './figures.ts';
import { canCompare, unpackCommand } from './tools.ts';
import type { Work, WorkReport } from './work.ts';

const WORK = fileURLToPath(new URL('./work.ts', import.meta.url));
const BUNDLE_TYPES = ['tar', 'tgz', 'zip'] as const;
/** Memory that all processes of the agent together may take, whatever the bundle's size. */
const PEAK_GOAL_MB = 200;
/**
 * Ratios to the system's tools. The one for `big` is as far below ours of November 2026 as the fastest other agent was ahead then, the one
 * for `many` a tenth. That agent cannot be part of this repository.
 */
const GOALS: Readonly<Record<Shape['name'], Readonly<Record<(typeof BUNDLE_TYPES)[number], number>>>> = {
  'many files': { tar: 1.3, tgz: 1.3, zip: 1 },
  'big files': { tar: 0.67, tgz: 0.14, zip: 0.79 },
};
/** Over a revision of which every file differs, beside `cp -a` into an empty folder. */
const REPLACE_GOAL = 2.5;
/** CPU of unpacking and installing a tgz of a gigabyte, of which the other agent takes one second; milliseconds. */
const BIG_TGZ_CPU_GOAL = 1000;
/** The archive, what it becomes, and what is installed of it. */
const COPIES = 3;

interface Round {
  readonly ours: WorkReport;
  /** null: the machine lacks the tools. */
  readonly floorMs: number | null;
}

/** The figures of one shape, as they come. */
export async function* contestsOf(shape: Shape, ground: string): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(ground, 'contest-'));
  try {
    const { install, unpack, unpackAndInstall } = workers(await bundledWork(folder));
    const [old, young] = [1, 2].map((edition) => writeShape(join(folder, `${edition}`), shape, edition, '/srv')) as [
      string,
      string,
    ];
    for (const bundleType of BUNDLE_TYPES) {
      const bundleFile = await packShape(young, join(folder, 'bundle'), bundleType);
      const rounds = await turns(shape, folder, {
        ours: (place) => unpackAndInstall(place, { bundleFile, bundleType }),
        canCompare: canCompare(bundleType),
        floor: async (place) => {
          mkdirSync(join(place, 'archive'));
          await run(unpackCommand(bundleType, bundleFile, join(place, 'archive')));
          await run(['cp', '-a', join(place, 'archive/files'), join(place, 'site')]);
        },
      });
      const cpuGoal = shape.name === 'big files' && bundleType === 'tgz' ? BIG_TGZ_CPU_GOAL : null;
      const goal = GOALS[shape.name][bundleType];
      yield* figuresOf(`${shape.name}, ${bundleType}: unpack + install`, rounds, goal, cpuGoal);
      yield wall(
        `${shape.name}, ${bundleType}: unpack alone`,
        await turns(shape, folder, {
          ours: (place) => unpack(place, { bundleFile, bundleType }),
          canCompare: canCompare(bundleType),
          floor: (place) => run(unpackCommand(bundleType, bundleFile, place)),
        }),
        null,
      );
      rmSync(bundleFile);
    }
    yield* figuresOf(
      `${shape.name}: install over a revision of which every file differs`,
      await turns(shape, folder, {
        prepare: (place) => install(place, old, 'one'),
        ours: (place) => install(place, young, 'two'),
        canCompare: hasPrograms('cp'),
        floor: (place) => run(['cp', '-a', join(young, 'files'), join(place, 'copy')]),
      }),
      REPLACE_GOAL,
    );
    yield* figuresOf(
      `${shape.name}: install over the same revision`,
      await turns(shape, folder, {
        prepare: (place) => install(place, old, 'one'),
        ours: (place) => install(place, old, 'two'),
        canCompare: hasPrograms('cp'),
        floor: (place) => run(['cp', '-a', join(old, 'files'), join(place, 'copy')]),
      }),
      null,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As in a package, not as in a checkout: reading the sources takes memory that no host gives. */
async function bundledWork(folder: string): Promise<string> {
  const program = join(folder, 'program');
  await bundle({ 'bench/work': WORK }, program);
  await bundleThreads(program);
  return join(program, 'bench/work.js');
}

/** Work of an executor, each time in a process of its own that has an executor's heap. */
function workers(program: string) {
  async function work(request: Work): Promise<WorkReport> {
    const { stdout } = await execa(process.execPath, [...HEAP_FLAGS, program, JSON.stringify(request)]);
    return JSON.parse(stdout) as WorkReport;
  }
  const installAt = (place: string, deploymentId: string) => ({ root: place, site: join(place, 'site'), deploymentId });
  return {
    unpack: (place: string, unpack: Work['unpack']) =>
      work({ unpack, archiveDir: join(place, 'archive'), install: null }),
    unpackAndInstall: (place: string, unpack: Work['unpack']) =>
      work({ unpack, archiveDir: join(place, 'archive'), install: installAt(place, 'one') }),
    install: (place: string, archiveDir: string, deploymentId: string) =>
      work({ unpack: null, archiveDir, install: installAt(place, deploymentId) }),
  };
}

interface Contest {
  prepare?(place: string): Promise<unknown>;
  ours(place: string): Promise<WorkReport>;
  /** Whether the machine has what the floor needs. */
  readonly canCompare: boolean;
  floor(place: string): Promise<void>;
}

/** Caches are warm: the first round does not count. */
async function turns(shape: Shape, folder: string, contest: Contest): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round <= shape.rounds; round += 1) {
    let ours: WorkReport | undefined;
    let floorMs: number | null = null;
    for (const who of round % 2 === 0 ? (['ours', 'floor'] as const) : (['floor', 'ours'] as const)) {
      if (who === 'floor' && !contest.canCompare) continue;
      const place = mkdtempSync(join(folder, 'round-'));
      if (who === 'ours') await contest.prepare?.(place);
      await askForMemory(shape);
      if (who === 'ours') {
        ours = await contest.ours(place);
      } else {
        const begin = performance.now();
        await contest.floor(place);
        floorMs = performance.now() - begin;
      }
      rmSync(place, { recursive: true });
      // What one contestant has left to be written must not be written in the other's time.
      if (hasPrograms('sync')) await run(['sync', '--file-system', folder]);
    }
    if (round > 0 && ours !== undefined) rounds.push({ ours, floorMs });
  }
  return rounds;
}

/**
 * A virtual machine gives memory back to its host a moment after it was freed. It has to ask for that memory page by page at its next use.
 * For some gigabytes that takes longer than all the work, now for one contestant and now for the other. So the memory is asked for before.
 */
async function askForMemory({ folders, filesPerFolder, fileBytes }: Shape): Promise<void> {
  const bytes = COPIES * folders * filesPerFolder * fileBytes;
  await run([process.execPath, '--eval', `Buffer.alloc(${bytes}, 1)`]);
}

function* figuresOf(
  name: string,
  rounds: readonly Round[],
  goal: number | null,
  cpuGoal: number | null = null,
): Generator<Figure> {
  yield wall(name, rounds, goal);
  const one = { unit: 'ms', floor: null, ratio: null } as const;
  yield { ...one, name: `${name}, CPU`, value: median(rounds.map(({ ours }) => ours.cpuMs)), goal: cpuGoal };
  const peak = Math.max(...rounds.map(({ ours }) => ours.peakMb));
  yield { ...one, name: `${name}, peak RSS`, value: peak, unit: 'MB', goal: PEAK_GOAL_MB };
}

function wall(name: string, rounds: readonly Round[], goal: number | null): Figure {
  return compared(
    name,
    rounds.map(({ ours, floorMs }) => ({ ours: ours.wallMs, floor: floorMs })),
    goal,
  );
}

async function run([program = '', ...args]: readonly string[]): Promise<void> {
  await execa(program, args);
}
