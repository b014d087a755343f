/** Registries: what is sent to whom, what is believed, and what is tried again. */

import type { Area } from '../mutant.js';

const TRANSFER = ['test/unit/transport/registry/transfer.test.ts'];
const LOGIN = ['test/unit/transport/registry/login.test.ts'];
const folder = 'src/transport/registry';

export const registry: Area = {
  name: 'registry',
  files: [
    {
      file: `${folder}/upload.ts`,
      tests: TRANSFER,
      changes: [
        ["if (await this.isThere()) return 'present';", ''],
        ['this.sessionOf(response, last + 1, url)', 'this.sessionOf(response, 0, url)'],
        ['if (response.statusCode === 201) return undefined;', ''],
        ['error.status === undefined || error.isTransient', 'true'],
        ['this.chunk = Math.max(CHUNK_MIN, this.chunk / 4);', ''],
        ['++this.damaged < DAMAGED_MAX', 'false'],
        ['isGone ? undefined : session && (await this.arrived(session))', 'undefined'],
      ],
    },
    {
      file: `${folder}/download.ts`,
      tests: TRANSFER,
      changes: [
        ['if (found !== this.blob.digest)', 'if (false)'],
        ['if (this.at + piece.length > size)', 'if (false)', { open: true }],
        ['rmSync(this.path, { force: true });', ''],
        ['if (response.statusCode === 200 && this.at > 0) this.restart();', ''],
        ['if (!this.isResumed) throw', 'throw'],
      ],
    },
    {
      file: `${folder}/errors.ts`,
      tests: TRANSFER,
      changes: [
        ['Math.min(Math.max(0, wait), LONGEST_WAIT)', 'Math.max(0, wait)'],
        ['Math.min(Math.max(0, wait), LONGEST_WAIT)', 'Math.min(wait, LONGEST_WAIT)'],
        ['Number(text) * 1000', 'Number(text)'],
        ['Number.isNaN(wait) ? undefined : ', ''],
        ['TRANSIENT.includes(this.status)', 'true'],
        ["quoted(words.join(': ').slice(0, SHOWN))", "words.join(': ')", { open: true }],
      ],
    },
    {
      file: `${folder}/retry.ts`,
      tests: TRANSFER,
      changes: [
        ['error.retryAfter ?? usual', 'usual'],
        ['if (++this.failures >= TRIES) throw error;', 'if (++this.failures > TRIES) throw error;'],
      ],
    },
    {
      file: `${folder}/client.ts`,
      tests: LOGIN,
      changes: [
        ['const sent = isOwn ? authorization.header : undefined;', 'const sent = authorization.header;'],
        ['status === 401 && isOwn && refused++ < 2', 'status === 401 && refused++ < 2'],
        ['this.authorization(request.from)', 'this.authorization(undefined)'],
        ["url.protocol === 'https:' || (url.protocol === 'http:' && from.protocol === 'http:')", 'true'],
        [" || url.username !== '' || url.password !== ''", ''],
        ['redirects++ < REDIRECTS', 'redirects++ <= REDIRECTS'],
        ["said.startsWith('sha256:') && said !== digest", 'false'],
      ],
    },
    {
      file: `${folder}/authorization.ts`,
      tests: LOGIN,
      changes: [
        ["if (!isSafe || url.username !== '' || url.password !== '')", 'if (false)'],
        ['if (/^[\\x21-\\x7e]+$/.test(token)) return token;', 'return token;'],
        ['if (this.header !== sent) return true; // renewed meanwhile', '', { open: true }],
      ],
    },
    {
      file: `${folder}/tags.ts`,
      tests: LOGIN,
      changes: [
        ["next.origin !== (await client.addressNow('')).origin", 'false'],
        ['found.size > most || pages > most', 'found.size > most'],
        ['.filter((tag) => TAG.test(tag))', ''],
      ],
    },
  ],
};
