/** The file behind `--fleets`: programs that make the replacement hosts of deployment groups, and end their original ones. */
import { isStarPattern, starMatcher } from '../../system/wildcards.ts';
import type { FindFleetPrograms, FleetPrograms, Program, ProvisionProgram } from './fleet-programs.ts';
import { NO_PROGRAMS } from './fleet-programs.ts';
import { invalidSettings, type NamedThing, readNamedSettings } from './named-settings.ts';
import { createReader, type Reader } from './settings-reader.ts';

const FLEET: NamedThing = {
  one: 'the fleets of a deployment group',
  shownIn: 'docs/blue-green.md, “Programs that make and end hosts”,',
};

const LIMIT_SECONDS = 900;
const ENROL_SECONDS = 900;

export interface FleetsFile {
  /** How many patterns it has. */
  readonly size: number;
  /** Those of the first pattern that fits. */
  readonly find: FindFleetPrograms;
}

/**
 * Reads YAML or JSON: `APPLICATION/GROUP`, each a pattern with stars, and the programs of the groups that fit.
 *
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming the pattern and the key
 */
export function readFleetsFile(file: string): FleetsFile {
  const fleets = readNamedSettings(file, FLEET).map(([pattern, settings]) => {
    const parts = pattern.split('/');
    const [application = '', group = ''] = parts;
    if (parts.length !== 2 || !parts.every(isStarPattern)) {
      throw invalidSettings(file, FLEET, `${pattern} must be APPLICATION/GROUP, where * stands for any characters`);
    }
    const read = createReader({ file, thing: FLEET, name: pattern, settings });
    const programs = programsOf(read);
    return { isApplication: starMatcher(application), isGroup: starMatcher(group), programs };
  });
  return {
    size: fleets.length,
    find: (application, group) =>
      fleets.find((one) => one.isApplication(application) && one.isGroup(group))?.programs ?? NO_PROGRAMS,
  };
}

function programsOf(read: Reader): FleetPrograms {
  const [provision, terminate] = [read.part('provision'), read.part('terminate')];
  if (provision === null && terminate === null) throw read.wrong('provision', 'or terminate must be there');
  return read.done({
    provision: provision === null ? null : provisionOf(createReader(provision)),
    terminate: terminate === null ? null : terminateOf(createReader(terminate)),
  });
}

function programOf(read: Reader): Program {
  return {
    command: read.command('command'),
    limitMs: read.positiveSeconds('limitSeconds', LIMIT_SECONDS) * 1000,
    mayRunAgain: read.flag('mayRunAgain'),
  };
}

function terminateOf(read: Reader): Program {
  return read.done(programOf(read));
}

function provisionOf(read: Reader): ProvisionProgram {
  const enrolMs = read.positiveSeconds('enrolSeconds', ENROL_SECONDS) * 1000;
  return read.done({ ...programOf(read), enrolMs });
}
