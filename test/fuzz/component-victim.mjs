/**
 * Compiles and describes what it is told to, by the public library, and tells how that ended, and the most memory that
 * it has had. Its parent is test/fuzz/hostile-components.ts.
 */

import { compile, InputError, inspect, LimitError } from 'wag-snap';

process.on('message', async (path) => {
  const compiled = await endOf(() => compile(path, { jobs: 1, allowMissingImports: true }));
  const described = await endOf(() => inspect(path));
  process.send({ compiled, described, memory: process.resourceUsage().maxRSS * 1024 });
});
process.send({ isReady: true });

async function endOf(run) {
  try {
    const result = await run();
    return { code: 'done', refused: result.refused ?? undefined, size: JSON.stringify(result).length };
  } catch (error) {
    const isOurs = error instanceof InputError || error instanceof LimitError;
    if (!isOurs) return { code: 'crash', message: `${error?.stack ?? error}` };
    return { code: error.code, message: error.message, headline: error.headline };
  }
}
