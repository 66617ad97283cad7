/** Clients of AWS are packages that only those install who have something there. */
import { SlipwayError } from '../../../errors.ts';

/**
 * Loads a package when it is first needed; a failure is not remembered.
 *
 * @param load imports the package of this name
 * @throws SlipwayError PACKAGE_MISSING with the command that installs it
 */
export async function loadOptional<Package>(name: string, load: () => Promise<Package>): Promise<Package> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new SlipwayError('PACKAGE_MISSING', `the package ${name} is not installed beside slipway`, {
      cause,
      remedy: `Run \`${installCommand(name, import.meta.filename)}\` on the server, as the user who has installed slipway, and start the server again.`,
    });
  }
}

/** Where a package of the system has put the program. */
const SYSTEM_HOME = '/usr/lib/slipway/';

/** @param program the file that runs: from the system's folder Node looks into /usr/lib/node_modules, which need not be npm's global one */
export function installCommand(name: string, program: string): string {
  return `npm install --global${program.startsWith(SYSTEM_HOME) ? ' --prefix /usr' : ''} ${name}`;
}

/** Makes something when it is first asked for; what could not be made is made again the next time. */
export function onFirstUse<Thing>(make: () => Promise<Thing>): () => Promise<Thing> {
  let made: Promise<Thing> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
