/** What a program prints is sent on in order; a capture waits for what was printed by then, and for no more. */

import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LogSender } from '../../../src/api/node-log.js';
import { temporaryFolder } from '../../support/workload.js';

test('a program that prints faster than is sent does not keep its captures waiting', async () => {
  const folder = temporaryFolder();
  const paths = [join(folder, 'out'), join(folder, 'err')] as const;
  writeFileSync(paths[0], 'first\n');
  writeFileSync(paths[1], 'error\n');
  let sent = '';
  const log = new LogSender([...paths], async (_, data) => {
    sent += Buffer.from(data).toString('latin1');
    if (sent.length < 100_000) appendFileSync(paths[0], 'next\n'); // there is always more
    return true;
  });
  await log.flushed();
  expect(sent).toContain('first\n');
  expect(sent).toContain('error\n');
  expect(sent.length).toBeLessThan(100_000);
  await log.finish();
  expect(sent.length).toBeGreaterThanOrEqual(100_000);
  await log.flushed();
});
