import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { IN_PLACE_EVENTS } from '../../src/server/engine/course.ts';

/** Parts of a small revision. */
export interface RevisionContent {
  /** Where its files go; an absolute folder. */
  readonly destination: string;
  /** Name below the destination → content. */
  readonly files: Readonly<Record<string, string>>;
  /** Event → text of its script, without the `#!` line. Events in place that are not named get one that says their name. */
  readonly scripts?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
}

const SCRIPTED = IN_PLACE_EVENTS.filter((event) => event !== 'DownloadBundle' && event !== 'Install');

/** Writes a whole revision with a script for every event, `scripts/<event>.sh`, into a new folder and returns the folder. */
export function writeRevision(folder: string, content: RevisionContent): string {
  const put = (name: string, text: string, mode = 0o644) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    // Whatever the umask of the test's user is.
    chmodSync(path, mode);
  };
  for (const [name, text] of Object.entries(content.files)) put(`files/${name}`, text);
  const scripted = [...new Set([...SCRIPTED, ...Object.keys(content.scripts ?? {})])];
  for (const event of scripted) {
    put(`scripts/${event}.sh`, `#!/bin/sh\n${content.scripts?.[event] ?? `echo "this is ${event}"`}\n`, 0o755);
  }
  put(
    'appspec.yml',
    stringify({
      version: 0.0,
      os: 'linux',
      files: [{ source: 'files', destination: content.destination }],
      hooks: Object.fromEntries(
        scripted.map((event) => [event, [{ location: `scripts/${event}.sh`, timeout: content.timeoutSeconds ?? 60 }]]),
      ),
    }),
  );
  return folder;
}
