/** `wag-snap snapshots`: what a store has, and its upkeep. */

import type { CommandModule } from 'yargs';
import { isRegistryReference } from '../../src/api/registry-reference.js';
import { chainOptions } from '../options/chain.js';
import { type FormOptions, form, formOptions } from '../options/form.js';
import { AGE, parseAge } from '../options/limits.js';
import { type RegistryOptions, refuseRegistry, registryOptions } from '../options/registry.js';
import { parseKeep } from '../options/snapshot-triggers.js';
import { type StoreOptions, storeOptions } from '../options/store.js';
import { type TrustOptions, trust, trustOptions } from '../options/trust.js';
import { once, several, UsageError } from '../options/usage.js';
import type { StoreRequest } from '../programs/store-upkeep.js';

interface Options extends StoreOptions, RegistryOptions, FormOptions, TrustOptions {
  action: string;
  what: string[];
  output: string | undefined;
  tag: string | undefined;
  keep: string | undefined;
  olderThan: string | undefined;
  dryRun: boolean;
  parent: string | string[] | undefined;
  search: string | string[] | undefined;
  json: boolean;
}

const READING = ['identity', 'verifyKey', 'policy'] as const;
const REWRITING = [...READING, 'compress', 'encryptTo', 'signKey'] as const;

/** The options of each action. */
const ACTIONS: Readonly<Record<string, readonly (keyof Options)[]>> = {
  list: ['json'],
  rm: ['json'],
  prune: ['keep', 'olderThan', 'dryRun', 'json'],
  export: ['output', ...REWRITING],
  import: ['tag', 'parent', 'search', ...READING],
  verify: ['json'],
  compact: REWRITING,
};

const command: CommandModule<object, Options> = {
  command: 'snapshots [action] [what..]',
  describe: 'List the snapshots of a store or a registry; remove, check, import and export those of a store',
  builder: (yargs) =>
    yargs
      .positional('action', {
        type: 'string',
        default: 'list',
        describe: `${Object.keys(ACTIONS).join(', ')}`,
      })
      .positional('what', {
        type: 'string',
        array: true,
        default: [],
        describe:
          'NAME:TAG, or NAME for all of that name (compact, export, verify: for the newest); import: a file; list: also oci://HOST/REPOSITORY',
      })
      .options(storeOptions)
      .option('tag', {
        alias: 't',
        type: 'string',
        requiresArg: true,
        coerce: once('tag'),
        describe: 'import: NAME[:TAG] of the new snapshot; without TAG it gets the next number',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'export: file to write',
      })
      .option('keep', {
        type: 'string',
        requiresArg: true,
        coerce: once('keep'),
        describe: 'prune: keep the N newest of each name; default: 1',
      })
      .option('older-than', {
        type: 'string',
        requiresArg: true,
        coerce: once('older-than'),
        describe: `prune: ${AGE}: keep younger ones`,
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'prune: only list what would be removed' })
      .option('parent', { ...chainOptions.parent, describe: `import: ${chainOptions.parent.describe}` })
      .option('search', { ...chainOptions.search, describe: `import: ${chainOptions.search.describe}` })
      .options(formOptions)
      .options(trustOptions)
      .options(registryOptions)
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'print JSON: an array of those listed, else one object',
      })
      .example([
        ['$0 snapshots', 'lists all of them'],
        ['$0 snapshots oci://registry.example/team/job', 'lists those of a registry'],
        ['$0 snapshots rm job:3 job:4', 'removes two'],
        ['$0 snapshots prune --keep 5 --older-than 7d', 'keeps five of each name, and all of the last week'],
        ['$0 snapshots export job:3 -o job.wsnap', 'writes one as a file that needs no other'],
        ['$0 snapshots import job.wsnap -t job', 'takes a file into the store'],
        ['$0 snapshots verify', 'reads all files of the store and compares them with their digests'],
      ]) as never,
  handler: async (options) => {
    const repositories = repositoriesIn(options);
    if (repositories !== undefined) {
      const { listRepository } = await import('../programs/repository-list.js');
      return listRepository(repositories, options);
    }
    const request = readRequest(options);
    const { keepStore } = await import('../programs/store-upkeep.js');
    await keepStore(request, options.store);
  },
};
export default command;

/** What `snapshots [list] oci://…` names; undefined for a store. @throws UsageError */
function repositoriesIn({ action, what, ...options }: Options): string[] | undefined {
  const named = isRegistryReference(action) ? [action, ...what] : what;
  if (!named.some(isRegistryReference)) {
    refuseRegistry(options);
    return undefined;
  }
  const other = named.find((one) => !isRegistryReference(one));
  if (other !== undefined || (action !== 'list' && !isRegistryReference(action))) {
    throw new UsageError(`of a registry snapshots are only listed: snapshots oci://HOST/REPOSITORY, and nothing else`);
  }
  const ofStores = [...REWRITING, 'output', 'tag', 'keep', 'olderThan', 'parent', 'search', 'store'] as const;
  const given = ofStores.find((name) => options[name] !== undefined) ?? (options.dryRun ? 'dryRun' : undefined);
  if (given !== undefined) throw new UsageError(`--${dashed(given)} is for snapshots of a store, not of a registry`);
  return named;
}

/** @throws UsageError for an option of another action */
function readRequest(options: Options): StoreRequest {
  const { action, what, output, tag, keep, olderThan, dryRun, parent, search, json } = options;
  const own = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (own === undefined) {
    throw new UsageError(`there is no action ${action}: one of ${Object.keys(ACTIONS).join(', ')}`);
  }
  const given = [...new Set(Object.values(ACTIONS).flat())];
  for (const name of given) {
    if (options[name] === undefined || options[name] === false || own.includes(name)) continue;
    const takers = Object.keys(ACTIONS).filter((other) => ACTIONS[other].includes(name));
    throw new UsageError(`--${dashed(name)} is for ${takers.join(', ')}, not for ${action}`);
  }
  switch (action) {
    case 'rm':
    case 'compact':
      if (what.length === 0) throw new UsageError(`${action} needs NAME:TAG, or NAME`);
      return { action, references: what, json, how: { ...form(options), ...trust(options) } };
    case 'export':
      if (what.length !== 1 || output === undefined) throw new UsageError('export needs NAME:TAG and -o FILE');
      return { action, reference: what[0], output, how: { ...form(options), ...trust(options) } };
    case 'import':
      if (what.length !== 1 || tag === undefined) throw new UsageError('import needs a file and -t NAME[:TAG]');
      return {
        action,
        file: what[0],
        reference: tag,
        places: { parents: several(parent), search: several(search) },
        how: trust(options),
      };
    case 'prune':
      return {
        action,
        names: what,
        keep: keep === undefined ? undefined : parseKeep(keep, 0),
        olderThan: olderThan === undefined ? undefined : parseAge('older-than', olderThan),
        dryRun,
        json,
      };
    case 'verify':
      return { action, references: what, json };
    default:
      return { action: 'list', references: what, json };
  }
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
