/** Revisions of a small HTTP application that its hooks start and stop; each host has its port in a file of its own folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** It ends at once when it is told to, whatever it serves: only a balancer that has drained it saves its requests. */
const APPLICATION = `import { createServer } from 'node:http';
process.on('SIGTERM', () => process.exit(0));
createServer((request, answer) => setTimeout(() => answer.end('VERSION'), request.url === '/health' ? 0 : 5 + Math.random() * 60))
  .listen(Number(process.argv[2]), '127.0.0.1');
`;

const FIND_HOST = `#!/bin/sh
set -e
here=$(cd "$(dirname "$0")" && pwd)
host=$here
while [ ! -f "$host/port" ]; do host=$(dirname "$host"); done
`;

const STOP = `${FIND_HOST}
[ -f "$host/app.pid" ] || exit 0
pid=$(cat "$host/app.pid")
kill "$pid" 2>/dev/null || exit 0
while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
rm "$host/app.pid"
`;

const START = `${FIND_HOST}
"$host/stop.sh"
setsid '${process.execPath}' "$here/app.mjs" "$(cat "$host/port")" >/dev/null 2>&1 </dev/null &
echo $! > "$host/app.pid"
`;

/** Ends what runs on a host, whatever revision it is of. */
export function prepareHost(folder: string, port: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'port'), String(port));
  writeFileSync(join(folder, 'stop.sh'), STOP, { mode: 0o755 });
}

/** @param isGood else its ValidateService fails */
export function writeRevision(folder: string, version: string, isGood: boolean): void {
  mkdirSync(folder, { recursive: true });
  const script = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o755 });
  writeFileSync(join(folder, 'app.mjs'), APPLICATION.replace('VERSION', version));
  script('start.sh', START);
  script('stop.sh', STOP);
  script('validate.sh', `#!/bin/sh\nexit ${isGood ? 0 : 1}\n`);
  writeFileSync(
    join(folder, 'appspec.yml'),
    `version: 0.0
os: linux
hooks:
  ApplicationStop:
    - location: stop.sh
  ApplicationStart:
    - location: start.sh
  ValidateService:
    - location: validate.sh
`,
  );
}
