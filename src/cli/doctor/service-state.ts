/** How a service stands, with the age of its process and what it said last. */
import { lastWords, type Properties } from '../service/properties.ts';
import type { Finding } from './check.ts';
import { ageOf } from './process.ts';
import { judgeService } from './service.ts';

/** @param install the command that installs its unit */
export async function lookAtService(properties: Properties, name: string, install: string): Promise<Finding[]> {
  const pid = Number(properties['MainPID'] ?? 0);
  return judgeService({
    name,
    properties,
    ageMs: pid > 0 ? ageOf(pid) : null,
    lastWords: properties['ActiveState'] === 'active' ? '' : await lastWords(name, null),
    install,
  });
}
