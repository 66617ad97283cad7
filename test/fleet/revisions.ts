/** Revisions that the fleet's hosts get: a web service that runs as a unit of systemd, and a job that does nothing but events. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { IN_PLACE_EVENTS } from '../../src/server/engine/course.ts';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import type { FleetMachine } from './fleet.ts';

export const SERVICE_PORT = 8080;
/** Where hosts write which events they have seen, in a folder that this machine sees, too. */
const NOTES = '/srv/notes';

/** It ends at once when it is told to, whatever it serves: only a balancer that has drained it saves its requests. */
const APPLICATION = `import { createServer } from 'node:http';
process.on('SIGTERM', () => process.exit(0));
createServer((request, answer) => setTimeout(() => answer.end('VERSION'), request.url === '/health' ? 0 : 5 + Math.random() * 60))
  .listen(${SERVICE_PORT});
`;
const UNIT = `[Unit]
Description=web shop
[Service]
ExecStart=/usr/local/bin/node /srv/shop/app.mjs
Restart=always
[Install]
WantedBy=multi-user.target
`;
const ASK = `/usr/local/bin/node -e 'fetch("http://127.0.0.1:${SERVICE_PORT}/").then(async (answer) => process.exit((await answer.text()) === "VERSION" ? 0 : 1))'`;

/** @returns the folder in the server's machine */
export function writeShop(server: FleetMachine, version: string): string {
  const folder = `/root/shop-${version}`;
  writeRevision(server.at(folder), {
    destination: '/srv/shop',
    files: { 'app.mjs': APPLICATION.replace('VERSION', version), 'shop.service': UNIT },
    scripts: {
      ApplicationStop: 'systemctl stop shop.service',
      AfterInstall: 'cp /srv/shop/shop.service /etc/systemd/system/ && systemctl daemon-reload',
      ApplicationStart: 'systemctl enable --quiet shop.service && systemctl restart shop.service',
      // The service listens a moment after systemd has started it.
      ValidateService: `for n in $(seq 50); do ${ASK.replace('VERSION', version)} && exit 0; sleep 0.2; done; exit 1`,
    },
  });
  return folder;
}

/** Notes that it began, waits while it is held, and notes that it ended. Each note is on the disk, so that a power cut leaves it. */
const HELD_SCRIPT = `mkdir -p ${NOTES}
echo "$LIFECYCLE_EVENT" >> ${NOTES}/begun
while [ -e ${NOTES}/hold-$LIFECYCLE_EVENT ]; do sleep 0.1; done
echo "$LIFECYCLE_EVENT" >> ${NOTES}/ended
sync ${NOTES}/begun ${NOTES}/ended`;

/** Events of a deployment in place that have scripts, in their order. */
export const SCRIPTED_EVENTS = IN_PLACE_EVENTS.filter((event) => event !== 'DownloadBundle' && event !== 'Install');

export interface JobContent {
  readonly destination?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** @returns the folder in the server's machine */
export function writeJob(server: FleetMachine, name: string, content: JobContent = {}): string {
  const folder = `/root/job-${name}`;
  writeRevision(server.at(folder), {
    // A folder of its own: files of one group are no other group's.
    destination: content.destination ?? `/srv/job/${name}`,
    files: { name: `${name}\n`, ...content.files },
    scripts: Object.fromEntries(SCRIPTED_EVENTS.map((event) => [event, HELD_SCRIPT])),
    timeoutSeconds: 300,
  });
  return folder;
}

/** Lets a host's next script of the event wait. */
export function hold(host: FleetMachine, event: string): void {
  mkdirSync(host.at(NOTES), { recursive: true });
  writeFileSync(host.at(`${NOTES}/hold-${event}`), '');
}

export function release(host: FleetMachine, event: string): void {
  rmSync(host.at(`${NOTES}/hold-${event}`), { force: true });
}

/** Waits until the host has begun the event. */
export async function untilIn(host: FleetMachine, event: string): Promise<void> {
  await eventually(() => notesOf(host, 'begun').includes(event), { withinMs: 120_000, everyMs: 50 });
}

/** Events whose scripts have begun or ended, in this order, one each time. */
export function notesOf(host: FleetMachine, which: 'begun' | 'ended'): readonly string[] {
  const file = host.at(`${NOTES}/${which}`);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

export function clearNotes(...hosts: readonly FleetMachine[]): void {
  for (const host of hosts) rmSync(host.at(NOTES), { recursive: true, force: true });
}
