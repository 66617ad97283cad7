/** Pages that are followed from their first command to their last: the quick start, pipelines, Terraform. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { parse } from 'yaml';
import { AWS_BY_VARIABLE, AWS_NEEDED } from '../support/aws-cli.ts';
import { freePort } from '../support/balancers.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { blocksOf } from './blocks.ts';
import { PROJECT } from './run-reference.ts';
import { startWorld, type World } from './world.ts';

export interface Guide {
  readonly file: string;
  readonly name: string;
  /** Program that the machine lacks; null: none. */
  missing(): string | null;
  /** @throws Error that says what was wrong */
  run(scratch: ScratchFolder): Promise<void>;
}

/** Folders in which a machine without access to Terraform's registry may have its providers. */
const PROVIDERS = ['/usr/share/terraform/plugins', '/usr/local/share/terraform/plugins', '/opt/tf-plugins'];
const IS_THERE = (program: string) => !execaSync(program, ['--version'], { reject: false }).failed;

export const GUIDES: readonly Guide[] = [
  { file: 'docs/quick-start.md', name: 'from its first command to its last', missing: () => null, run: quickStart },
  { file: 'docs/ci.md', name: 'GitHub Actions', missing: () => null, run: (scratch) => pipeline(scratch, gitHubSteps) },
  { file: 'docs/ci.md', name: 'GitLab CI', missing: () => null, run: (scratch) => pipeline(scratch, gitLabSteps) },
  { file: 'docs/ci.md', name: 'Jenkins', missing: () => null, run: (scratch) => pipeline(scratch, jenkinsSteps) },
  {
    file: 'docs/ci.md',
    name: 'the AWS command line',
    missing: () => (AWS_BY_VARIABLE === null ? AWS_NEEDED : null),
    run: (scratch) => pipeline(scratch, awsSteps),
  },
  { file: 'docs/hooks.md', name: 'its scripts are shell', missing: () => null, run: hookScripts },
  {
    file: 'docs/terraform.md',
    name: 'Terraform and its AWS provider',
    missing: () =>
      !IS_THERE('terraform') ? 'terraform' : providers() === null ? 'a folder with the AWS provider' : null,
    run: terraform,
  },
];

async function quickStart(scratch: ScratchFolder): Promise<void> {
  await using world = await startWorld(scratch, {});
  const port = await freePort();
  const text = blocksOf(page('docs/quick-start.md'))
    .filter(({ language }) => language === 'sh')
    .map((block) => block.text)
    .join('\n')
    .replaceAll('127.0.0.1:8400', `127.0.0.1:${port}`);
  // What the last step removes is looked at before.
  const seen = text.replace(/^kill \$SERVER$/mu, 'cat www/index.html\nkill $SERVER\nwait $SERVER');
  must(seen !== text, 'the page has no `kill $SERVER`');
  const home = scratch.at('home with blanks');
  mkdirSync(home);
  const env = { HOME: home, SLIPWAY_ENDPOINT_URL: '', AWS_ENDPOINT_URL: '', SLIPWAY_DATA_DIR: '' };
  const { status, said } = await world.shell(`set -eu\n${seen}\necho 'the page has ended'`, env);
  must(status === 0 && said.trimEnd().endsWith('the page has ended'), said);
  must(said.includes('exit status 1'), `the broken revision did not fail:\n${said}`);
  must(said.includes('Hello from revision 2'), `the last revision is not in place:\n${said}`);
}

/** Steps of a pipeline: what the page has for a build server, as a shell's text. */
type Steps = (text: string) => string;

/** A pipeline deploys twice: a good revision, and one that fails, which must fail the pipeline. */
async function pipeline(scratch: ScratchFolder, steps: Steps): Promise<void> {
  await using world = await startWorld(scratch, { 'web-1': 'Role=web' });
  const text = page('docs/ci.md');
  const [setUp] = blocksOf(text).filter(({ language }) => language === 'sh');
  const made = await world.shell(`set -eu\n${setUp?.text ?? ''}`);
  must(made.status === 0, made.said);
  const env: Record<string, string> = {};
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
    const value = new RegExp(`${name}=(\\S+)`, 'u').exec(made.said)?.[1];
    must(value !== undefined, `keys create does not print ${name}:\n${made.said}`);
    env[name] = value ?? '';
  }
  const script = `set -euo pipefail\n${steps(text)}`;
  const good = await world.shell(script, { ...env, ...VARIABLES, COMMIT: 'good' });
  must(good.status === 0, good.said);
  must(existsSync(join(world.site, 'index.html')), `nothing is in place:\n${good.said}`);
  writeFileSync(join(world.folder, 'build/scripts/ValidateService.sh'), '#!/bin/sh\nexit 1\n');
  const bad = await world.shell(script, { ...env, ...VARIABLES, COMMIT: 'bad' });
  must(bad.status !== 0, `a deployment that failed did not fail the pipeline:\n${bad.said}`);
  const { said } = await world.shell('slipway deployments list');
  must(/Failed/u.test(said) && /Succeeded/u.test(said), said);
}

/** Variables that build servers set. */
const VARIABLES = {
  ...{ GITHUB_REPOSITORY: 'acme/shop', GITHUB_SHA: 'abc' },
  ...{ CI_PROJECT_PATH: 'acme/shop', CI_COMMIT_SHORT_SHA: 'abc', CI_PIPELINE_URL: 'https://gitlab.example.com/1' },
  BUILD_TAG: 'jenkins-shop-1',
};

function gitHubSteps(text: string): string {
  const { jobs } = parse(blockWith(text, 'runs-on')) as {
    jobs: { deploy: { steps: readonly { readonly run?: string }[] } };
  };
  return jobs.deploy.steps.flatMap(({ run }) => run ?? []).join('\n');
}

function gitLabSteps(text: string): string {
  const { deploy } = parse(blockWith(text, 'resource_group')) as { deploy: { script: readonly string[] } };
  return deploy.script.join('\n');
}

function jenkinsSteps(text: string): string {
  return [...blockWith(text, 'pipeline {').matchAll(/\bsh '''(?<lines>[\s\S]*?)'''/gu)]
    .map(({ groups }) => groups?.['lines'] ?? '')
    .join('\n');
}

function awsSteps(text: string): string {
  return blockWith(text, 'aws deploy push');
}

/** Scripts of the page are checked by the shell that would run them: they start services that are not here. */
async function hookScripts(scratch: ScratchFolder): Promise<void> {
  await using world = await startWorld(scratch, {});
  const scripts = blocksOf(page('docs/hooks.md')).filter(({ text }) => text.startsWith('#!/bin/sh\n'));
  must(scripts.length >= 3, `the page has ${scripts.length} scripts`);
  for (const [index, { text }] of scripts.entries()) {
    writeFileSync(join(world.folder, `${index}.sh`), text);
    const { status, said } = await world.shell(`sh -n ${index}.sh`);
    must(status === 0, said);
  }
}

async function terraform(scratch: ScratchFolder): Promise<void> {
  await using world = await startWorld(scratch, {});
  const text = page('docs/terraform.md');
  const main = blockWith(text, '# main.tf').replaceAll('https://deploy.example.com:8400', world.server.url);
  writeFileSync(join(world.folder, 'main.tf'), main);
  const rules = `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(providers())}\n  }\n}\n`;
  writeFileSync(join(world.folder, 'terraformrc'), rules);
  const env = { TF_CLI_CONFIG_FILE: join(world.folder, 'terraformrc'), CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' };
  const follow = async (script: string) => {
    const { status, said } = await world.shell(`set -e\n${script}`, env);
    must(status === 0, said);
    return said;
  };
  await follow(blockWith(text, 'terraform init'));
  const shown = await follow('slipway groups show shop/production --json');
  must(shown.includes('DEPLOYMENT_FAILURE') && shown.includes('careful'), shown);
  await changeAndBack(world, main, follow);
  // Another state knows nothing of what is there, and takes it over.
  await follow(`rm terraform.tfstate*\n${blockWith(text, 'terraform import')}terraform plan -detailed-exitcode`);
  await follow('terraform destroy -auto-approve');
  must(!(await follow('slipway applications list')).includes('shop'), 'the application is still there');
}

/** Every kind of change: of names, tags, filters and blocks that come and go. After each, Terraform finds nothing to change. */
async function changeAndBack(world: World, main: string, follow: (script: string) => Promise<string>): Promise<void> {
  const changed = main
    .replace('deployment_group_name  = "production"', 'deployment_group_name  = "front"')
    .replace('value = "web"', 'value = "front"')
    .replace('tags     = { Team = "shop" }', 'tags     = { Team = "store", Cost = "7" }')
    .replace(/ {2}auto_rollback_configuration \{[\s\S]*?\n {2}\}\n/u, CHANGED_BLOCKS)
    .replace('  tags = { Team = "shop" }\n', '');
  must(changed.includes('alarm_configuration') && changed.includes('"front"'), 'the example has other lines now');
  writeFileSync(join(world.folder, 'main.tf'), changed);
  await follow('terraform apply -auto-approve\nterraform plan -detailed-exitcode');
  const shown = await follow('slipway groups show shop/front --json');
  must(shown.includes('IGNORE') && !shown.includes('DEPLOYMENT_FAILURE'), shown);
  // Somebody deletes the group by hand: Terraform makes it anew.
  writeFileSync(join(world.folder, 'main.tf'), main);
  await follow('slipway groups delete shop/front --yes');
  await follow('terraform apply -auto-approve\nterraform plan -detailed-exitcode');
}

const CHANGED_BLOCKS = `  outdated_instances_strategy = "IGNORE"
  alarm_configuration {
    alarms  = ["errors"]
    enabled = true
  }
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "IN_PLACE"
  }
  load_balancer_info {
    elb_info {
      name = "front"
    }
  }
`;

function providers(): string | null {
  return PROVIDERS.find((folder) => existsSync(join(folder, 'registry.terraform.io/hashicorp/aws'))) ?? null;
}

function page(file: string): string {
  return readFileSync(join(PROJECT, file), 'utf8');
}

/** The one code block that holds this text. */
function blockWith(text: string, part: string): string {
  const found = blocksOf(text).filter((block) => block.text.includes(part));
  const [only] = found;
  if (found.length !== 1 || only === undefined) throw new Error(`${found.length} blocks hold '${part}'`);
  return only.text;
}

function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}
