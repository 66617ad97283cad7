/** The package for Debian on a booted machine, from its installation to its purge. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeNextPackage } from '../support/next-package.ts';
import { bootMachine, type Machine } from '../systemd/machine.ts';

export interface PackageOnMachine {
  /** For the machine's file system. */
  readonly folder: string;
  readonly deb: string;
  /** Throws unless this is the version that was built. */
  saysItsBuild(said: string, packing: string): void;
}

export async function livesOnMachine({ folder, deb, saysItsBuild }: PackageOnMachine): Promise<void> {
  await using machine = await bootMachine(folder, {}, 'private');
  cpSync(deb, join(machine.root, 'slipway.deb'));
  machine.run('dpkg --install /slipway.deb');
  saysItsBuild(machine.run('slipway --version'), 'deb');
  must(machine.ask('systemctl is-active slipway-agent slipway-server') === null, 'a service runs unasked');
  takesOverAndGoesBack(machine);
  upgradeKeepsFiles(machine, saysItsBuild);
  machine.run('slipway server init --address 127.0.0.1');
  must(
    machine.run('stat --format %U:%G:%a /etc/slipway/tls/server.key') === 'root:root:600',
    'the key of the server is not for root alone',
  );
  machine.run('systemctl start slipway-server');
  must(
    machine.run('slipway server doctor --json --ca-file /etc/slipway/tls/ca.pem || true').includes('"certificate"'),
    'the doctor has nothing to say about the certificate',
  );
  must(machine.run('systemctl show slipway-server --property=User --value') === 'slipway', 'it runs as another user');
  writeFileSync(join(machine.root, 'etc/slipway/server.env'), '# mine\nSLIPWAY_KEEP_AUDIT=9\n');
  const before = machine.run('systemctl show slipway-server --property=MainPID --value');
  machine.run('dpkg --install /slipway.deb');
  must(machine.run('cat /etc/slipway/server.env').startsWith('# mine'), 'the settings were replaced');
  machine.run(
    `for n in $(seq 100); do p=$(systemctl show slipway-server --property=MainPID --value); [ "$p" != ${before} ] && [ "$p" != 0 ] && exit 0; sleep 0.2; done; exit 1`,
  );
  machine.run('dpkg --remove slipway');
  must(machine.ask('systemctl is-active slipway-server') === null, 'the server runs on');
  must(existsSync(join(machine.root, 'etc/slipway/server.env')), 'a removal took the settings');
  machine.run('dpkg --purge slipway');
  must(!existsSync(join(machine.root, 'etc/slipway/server.env')), 'a purge left the settings');
  must(existsSync(join(machine.root, 'etc/slipway/tls/ca.key')), 'a purge took the authority that hosts trust');
  must(readdirSync(join(machine.root, 'var/lib/slipway')).length > 0, 'a purge took the data of the server');
}

/** A program that runs has its own files after an upgrade, for as long as it runs. */
function upgradeKeepsFiles(machine: Machine, saysItsBuild: PackageOnMachine['saysItsBuild']): void {
  const versions = join(machine.root, 'usr/lib/slipway/versions');
  const [old = ''] = readdirSync(versions);
  const count = () => readdirSync(join(versions, old), { recursive: true }).length;
  const before = count();
  machine.run('systemd-run --unit=longer slipway server --data-dir /srv/longer --listen 127.0.0.1:0');
  machine.run('for n in $(seq 100); do [ -e /srv/longer/master.key ] && exit 0; sleep 0.2; done; exit 1');
  makeNextPackage(join(machine.root, 'slipway.deb'), join(machine.root, 'next.deb'));
  machine.run('dpkg --install /next.deb');
  must(existsSync(join(versions, old)) && count() === before, 'the files of the running program are gone');
  must(
    !machine.run('readlink -f /usr/bin/slipway').includes(`${old}/`),
    'the old program is still the one that starts',
  );
  machine.run('systemctl stop longer && /usr/lib/slipway/scripts/remove-old-programs');
  must(!existsSync(join(versions, old)), 'the old program stays although nothing runs it');
  saysItsBuild(machine.run('slipway --version'), 'deb');
  machine.run('dpkg --install /slipway.deb');
}

/** An official agent that is nothing but its files and a process. */
function takesOverAndGoesBack(machine: Machine): void {
  const put = (path: string, text: string) => {
    mkdirSync(join(machine.root, dirname(path)), { recursive: true });
    writeFileSync(join(machine.root, path), text);
  };
  const unit = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';
  put('/lib/systemd/system/codedeploy-agent.service', unit);
  const config = '/etc/codedeploy-agent/conf/codedeployagent.yml';
  const before = ':deploy_control_endpoint: https://127.0.0.1:1\n';
  put(config, before);
  const arn = ':iam_user_arn: arn:aws:iam::123456789012:user/web-1\n:region: eu-central-1\n';
  put(
    '/etc/codedeploy-agent/conf/codedeploy.onpremises.yml',
    `${arn}:aws_access_key_id: AKIDEXAMPLE\n:aws_secret_access_key: x\n`,
  );
  machine.run('systemctl daemon-reload && systemctl enable --now codedeploy-agent');
  machine.run('slipway migrate-from-codedeploy --yes');
  const stateOf = (name: string) => machine.run(`systemctl show ${name} --property=Id,ActiveState,UnitFileState`);
  must(/activ[a-z]+\n(.|\n)*enabled/.test(stateOf('slipway-agent')), stateOf('slipway-agent'));
  must(stateOf('codedeploy-agent').includes('Id=slipway-agent.service'), 'the old name is not the new service');
  machine.run('slipway migrate-from-codedeploy --undo --yes');
  must(machine.run('systemctl is-active codedeploy-agent') === 'active', 'the official agent does not run again');
  must(machine.run('systemctl is-enabled codedeploy-agent') === 'enabled', 'the official agent is not enabled again');
  must(stateOf('codedeploy-agent').includes('Id=codedeploy-agent.service'), 'the old name is still the new service');
  must(machine.ask('systemctl is-active slipway-agent') === null, 'both agents run');
  must(readFileSync(join(machine.root, config), 'utf8') === before, 'the configuration is another');
  machine.run('systemctl disable --now codedeploy-agent && rm /lib/systemd/system/codedeploy-agent.service');
  machine.run('systemctl daemon-reload');
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
