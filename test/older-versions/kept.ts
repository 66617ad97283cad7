/** Data of older versions, as it was kept. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresClient } from '../support/postgres.ts';
import type { Life } from './life.ts';

export const DATABASES = fileURLToPath(new URL('../fixtures/databases', import.meta.url));

/** Names of what is kept, one for each step of the migrations that was kept. */
export function keptSteps(): readonly string[] {
  return readdirSync(DATABASES).sort();
}

export function lifeOf(step: string, dialect: 'sqlite' | 'postgres'): Life {
  return JSON.parse(readFileSync(join(DATABASES, step, `${dialect}.json`), 'utf8')) as Life;
}

/** Puts a kept data folder in place, and into an empty database of PostgreSQL what belongs to it. */
export function restore(step: string, dataDir: string, databaseUrl: string | null): void {
  const dialect = databaseUrl === null ? 'sqlite' : 'postgres';
  mkdirSync(dataDir, { mode: 0o700 });
  execFileSync('tar', ['-C', dataDir, '-xzf', join(DATABASES, step, `${dialect}.tgz`)]);
  if (databaseUrl === null) return;
  const words = ['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--file', join(DATABASES, step, 'postgres.sql')];
  execFileSync(postgresClient('psql'), [...words, databaseUrl], { stdio: ['ignore', 'ignore', 'pipe'] });
}
