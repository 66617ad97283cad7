/** Destinations that are written as if they were the file's own new name. */
import { lstatSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { dirname, normalize } from 'node:path/posix';
import type { AppSpecReading } from '../appspec/parse.ts';
import { LINT_RULES } from '../appspec/rules.ts';
import type { AppSpec, FileMapping, Finding } from '../appspec/types.ts';
import { withoutTrailing } from '../system/trailing.ts';

/** Endings that hardly any folder has. */
const OF_FILES =
  /^\.(bak|bin|cfg|cnf|conf|cron|crt|css|csv|env|gz|html?|ico|ini|jar|jpe?g|js|json|jsp|key|log|md|mjs|pdf|pem|php|pl|png|properties|py|rb|service|sh|socket|sql|svg|tar|tgz|timer|toml|ts|txt|war|xml|ya?ml|zip)$/i;

/**
 * A destination is a folder, and a file keeps its name: `/www/index.html` for `index.html` ends as `/www/index.html/index.html`, which nobody
 * means.
 *
 * @param archiveDir of the unpacked revision
 */
export function lintDestinations(reading: AppSpecReading, appSpec: AppSpec, archiveDir: string): Finding[] {
  return appSpec.files.flatMap((mapping) => {
    if (!namesAFile(mapping) || !isFile(join(archiveDir, mapping.source))) return [];
    const { source, destination } = mapping;
    const folder = withoutTrailing(normalize(destination), '/');
    const name = basename(source);
    const rename =
      basename(folder) === name ? '' : `; a file cannot be renamed, so call it ${basename(folder)} in the bundle`;
    const message = `the destination ${destination} is the folder that ${source} goes into, which makes it ${folder}/${name}: write ${dirname(folder)}${rename}`;
    const { severity } = LINT_RULES['destination-is-file'];
    return [{ severity, rule: 'destination-is-file', message, position: reading.placeOf(mapping, 'destination') }];
  });
}

function namesAFile({ source, destination }: FileMapping): boolean {
  if (destination.endsWith('/')) return false;
  const last = basename(destination);
  if (last === basename(source)) return true;
  const ending = extname(last).toLowerCase();
  return (
    OF_FILES.test(ending) || (ending !== '' && ending === extname(source).toLowerCase() && !/^\.\d+$/.test(ending))
  );
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
