/**
 * Whether two images of the same modules have the same sites: by function, the same list of (body offset, kind, types
 * of locals, operands and results). Only then does a snapshot of one continue in the other.
 *
 * Where things are (text offsets, slots, registers, constants) may differ, and so may the order of the functions.
 */

import { FUNC_GUEST, FUNC_IMPORT, SITE_ENTRY } from '../../src/image/contract/site-tables.js';
import type { ImageDescription } from '../../src/image/reader.js';
import type { Location } from '../../src/image/tables/frame-map.js';
import type { SiteLookup } from '../../src/image/tables/site-lookup.js';

export interface SiteComparison {
  readonly functions: number;
  readonly sites: number;
  /** A line per function that differs, up to ten. */
  readonly differences: readonly string[];
}

const KINDS = ['call', 'loop', 'entry'];
const MOST = 10;

export function compareSites(a: ImageDescription, b: ImageDescription): SiteComparison {
  const left = new GuestSites(a.sites);
  const right = new GuestSites(b.sites);
  const differences: string[] = [];
  let sites = 0;
  for (const row of left.rows) {
    const { instance, index, kind } = a.sites.function(row);
    const { first, end } = a.sites.sitesOf(row);
    sites += end - first;
    if (differences.length === MOST) continue;
    const otherRow = b.sites.functionRow(instance, index);
    const where = `function ${index} of instance ${instance}`;
    if (otherRow < 0 || b.sites.function(otherRow).kind !== kind) {
      differences.push(`${where}: only ${a.arch} has it`);
      continue;
    }
    const locals = [left.locals(row), right.locals(otherRow)];
    if (locals[0] !== locals[1]) differences.push(`${where}: locals ${locals.join(' and ')}`);
    else {
      const difference = firstDifference(left.sites(row), right.sites(otherRow));
      if (difference !== undefined) differences.push(`${where}: ${difference}`);
    }
  }
  if (right.rows.length !== left.rows.length) {
    differences.push(`${left.rows.length} functions for ${a.arch}, ${right.rows.length} for ${b.arch}`);
  }
  return { functions: left.rows.length, sites, differences };
}

function firstDifference(a: readonly string[], b: readonly string[]): string | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] !== b[i]) return `site ${i} is ${a[i] ?? 'absent'} and ${b[i] ?? 'absent'}`;
  }
  return undefined;
}

/** The sites of an image's guests, as text. */
class GuestSites {
  /** Rows of the functions that have sites. */
  readonly rows: readonly number[];
  private readonly shapes = new Map<number, string>();

  constructor(private readonly lookup: SiteLookup) {
    const all = Array.from({ length: lookup.functionCount }, (_, row) => row);
    this.rows = all.filter((row) => [FUNC_GUEST, FUNC_IMPORT].includes(lookup.function(row).kind));
  }

  locals(row: number): string {
    return this.lookup
      .homes(row)
      .map(({ type }) => type)
      .join(' ');
  }

  sites(row: number): string[] {
    const { first, end } = this.lookup.sitesOf(row);
    return Array.from({ length: end - first }, (_, i) => {
      const site = this.lookup.site(first + i);
      const key = site.shape * 4 + site.kind;
      let types = this.shapes.get(key);
      if (types === undefined) {
        const { locals, operands, results } = this.lookup.frameMap(row, site);
        types = `${site.kind === SITE_ENTRY ? typesOf(locals) : ''}(${typesOf(operands)}) -> (${typesOf(results)})`;
        this.shapes.set(key, types);
      }
      return `${KINDS[site.kind]} at ${site.bodyOffset}: ${types}`;
    });
  }
}

function typesOf(locations: readonly Location[]): string {
  return locations.map(({ type }) => type).join(' ');
}
