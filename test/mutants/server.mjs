/**
 * A vitest that stays: run in a copy of the tree, it runs tests as often as it is asked to, and transforms again only what has
 * changed. Each line of its input is {changed, tests, only, failFast} as JSON, each line of its output an answer:
 * {files: [{name, milliseconds, tests: [{name, state}], error}]}.
 */

import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createVitest } from 'vitest/node';

let failFast = false;
const reporter = {
  onTestCaseResult(test) {
    if (failFast && test.result().state === 'failed') vitest.cancelCurrentRun('test-failure');
  },
};
const { stdout } = process;
const vitest = await createVitest('test', { watch: false, project: ['here'], reporters: [reporter] });

for await (const line of createInterface({ input: process.stdin })) {
  const { changed, tests, only, ...rest } = JSON.parse(line);
  failFast = rest.failFast;
  for (const file of changed) vitest.invalidateFile(resolve(file));
  if (only) vitest.setGlobalTestNamePattern(new RegExp(only.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  else vitest.resetGlobalTestNamePattern();
  const wanted = tests.map((test) => resolve(test));
  const specifications = (await vitest.globTestSpecifications(tests)).filter(({ moduleId }) =>
    wanted.includes(moduleId),
  );
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const files = testModules
    .filter(({ moduleId }) => wanted.includes(moduleId))
    .map((module) => ({
      name: module.moduleId,
      milliseconds: module.diagnostic().duration + module.diagnostic().collectDuration,
      tests: Array.from(module.children.allTests(), (test) => ({ name: test.fullName, state: test.result().state })),
      error: module.errors()[0]?.message,
    }));
  vitest.state.clearErrors();
  stdout.write(`${JSON.stringify({ files, error: unhandledErrors[0]?.message })}\n`);
}
await vitest.close();
process.exit(0);
